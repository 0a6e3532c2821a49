#include "service/service.h"
#include "service/observers.h"

#include <slotd/cleanup.h>
#include <slotd/clockwatch.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- words about a service ---- */

void service_say(struct service *s, int priority, const char *fmt, ...)
{
	const struct log_field fields[] = {
		{LOG_FIELD_SERVICE, s->name},
		{LOG_FIELD_SLOT, slot_name(service_live(s))},
	};
	char text[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_fields(priority, fields, ARRAY_SIZE(fields), "%s: %s", s->name, text);
}

const char *service_trouble_text(const struct service *s, enum trouble t, char *buf, size_t size)
{
	return trouble_text(t, slot_name(s->placed.live), s->why[t], buf, size);
}

void service_explain(struct service *s, enum trouble t, const char *fmt, ...)
{
	char why[SERVICE_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	for (char *c = why; *c; c++) {
		*c = *c == '\n' ? ' ' : *c; /* a line each, where several are told */
	}
	if (strcmp(why, s->why[t]) != 0) {
		memcpy(s->why[t], why, sizeof(why));
		service_changed(s);
	}
	service_settle_soon(s);
}

const char *service_slot_label(const struct service *s, enum slot_id slot)
{
	const char *name = s->config->slots[slot].name;

	return name ? name : slot_name(slot);
}

const char *service_slot_text(const struct service *s, enum slot_id slot, char *buf, size_t size)
{
	const char *release = s->slots[slot].release;

	(void)snprintf(buf, size, *release ? "%s (%s)" : "%s", slot_name(slot), release);
	return buf;
}

struct process *service_next(const struct service *s, enum slot_id slot, size_t *pos)
{
	while (*pos < s->workers.len) {
		struct process *p = s->workers.at[(*pos)++];

		if (p && (slot == SLOT_MAX_ || p->slot == slot)) {
			return p;
		}
	}
	return NULL;
}

/* ---- the switchboard and the ledger ---- */

struct switch_word service_word(const struct service *s)
{
	const struct switch_entry *entry = &s->sup->switchboard->services[s->index];

	return switch_unpack(atomic_load_explicit(&entry->word, memory_order_acquire));
}

static void put_upkeep(const struct upkeep *u, struct ledger_duty *row)
{
	row->pause_end = u->pause_end;
	row->frozen = u->frozen;
	row->rolled_back = u->rolled_back;
	row->offline = u->offline;
	memcpy(row->offliner, u->offliner, sizeof(row->offliner));
	memcpy(row->offline_why, u->offline_why, sizeof(row->offline_why));
	memcpy(row->pauser, u->pauser, sizeof(row->pauser));
	memcpy(row->freezer, u->freezer, sizeof(row->freezer));
	memcpy(row->freeze_why, u->freeze_why, sizeof(row->freeze_why));
}

static void put_ab(const struct ab_test *ab, struct ledger_duty *row)
{
	if (ab->weight) {
		row->ab_since = ab->since;
		row->ab_weight = ab->weight;
		row->ab_slot = (uint32_t)ab->slot;
		memcpy(row->ab_who, ab->who, sizeof(row->ab_who));
	}
}

void service_write_ledger(struct service *s)
{
	const struct switch_word word = service_word(s);
	struct ledger_service row = {
		.swap = s->swap,
		.duty = {.live = (uint32_t)word.live,
			 .generation = word.generation,
			 .next_socket = s->next_socket,
			 .down = s->down,
			 .holding = s->placed.mode == SWITCH_HOLD},
	};

	(void)snprintf(row.duty.stopper, sizeof(row.duty.stopper), "%s", s->why[TROUBLE_STOPPED]);
	put_upkeep(&s->upkeep, &row.duty);
	put_ab(&s->ab, &row.duty);
	for (int i = 0; i < SLOT_MAX_; i++) {
		const struct service_slot *slot = &s->slots[i];

		row.retire[i] = slot->retire;
		row.slots[i] = (struct ledger_slot){.since = slot->since,
						    .clearing = slot->clearing,
						    .proven = slot->proven,
						    .touched = slot->touched};
		memcpy(row.slots[i].release, slot->release, sizeof(slot->release));
		memcpy(row.slots[i].one_way, slot->one_way, sizeof(slot->one_way));
	}
	ledger_put_service(s->sup->ledger, s->index, &row);
}

/* ---- changes ---- */

void service_settle_soon(struct service *s)
{
	loop_idle_queue(s->sup->loop, &s->settle);
}

void service_move_times(struct service *s, int64_t by)
{
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		s->slots[slot].since = clock_move(s->slots[slot].since, by);
	}
	s->ab.since = s->ab.weight ? clock_move(s->ab.since, by) : 0;
	s->upkeep.frozen = s->upkeep.frozen ? clock_move(s->upkeep.frozen, by) : 0;
	s->upkeep.offline = s->upkeep.offline ? clock_move(s->upkeep.offline, by) : 0;
	s->upkeep.rolled_back = s->upkeep.rolled_back ? clock_move(s->upkeep.rolled_back, by) : 0;
	service_write_ledger(s);
	service_changed(s);
}
