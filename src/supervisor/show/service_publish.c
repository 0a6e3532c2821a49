#include "show/service_publish.h"
#include "deploy/jobs.h"
#include "handoff/relays.h"
#include "link/helpers.h"
#include "service/service.h"
#include "service/slots.h"

#include <stdio.h>
#include <string.h>

/* TAG_STATE of MSG_STATE_SLOT. */
enum slot_state {
	SLOT_COLD,
	SLOT_STARTING,
	SLOT_WARM,
	SLOT_LIVE,
	SLOT_DRAINING,
	SLOT_STOPPING,
};

static enum slot_state state_of(const struct service *s, enum slot_id slot,
				const struct slot_count *count)
{
	enum retire_state retire = s->slots[slot].retire.state;

	if (slot == service_live(s)) {
		return s->down ? SLOT_COLD : SLOT_LIVE; /* down: who is live is not known */
	}
	if (retire == RETIRE_DRAINING || retire == RETIRE_CUTTING) {
		return SLOT_DRAINING;
	}
	if (swap_busy(&s->swap) && slot == s->swap.target) {
		return SLOT_STARTING;
	}
	if (count->alive == 0) {
		return SLOT_COLD;
	}
	if (retire == RETIRE_STOPPING || count->stopping) {
		return SLOT_STOPPING;
	}
	return count->running ? SLOT_WARM : SLOT_STARTING;
}

static usec_t to_wall(usec_t monotonic)
{
	return monotonic == USEC_NEVER
		       ? 0
		       : usec_add(usec_wall(), usec_sub(monotonic, usec_monotonic()));
}

static const char *slot_note(const struct service *s, enum slot_id slot, enum slot_state state)
{
	const bool touched = s->slots[slot].touched && !s->job;

	switch (state) {
	case SLOT_COLD:
		return touched ? "idle, stopped; its last deploy did not succeed" : "idle, stopped";
	case SLOT_STARTING:
		return s->job ? swap_step_name(s->swap.step) : "starting";
	case SLOT_WARM:
		return touched		       ? "its last deploy did not succeed"
		       : s->slots[slot].proven ? "rollback: at once"
					       : "has not been live";
	case SLOT_STOPPING:
		return "stopping";
	default:
		return NULL;
	}
}

static int publish_slot(const struct service *s, enum slot_id slot, struct helper *control)
{
	const struct service_slot *sl = &s->slots[slot];
	struct slot_count count;
	struct slot_load load;
	enum slot_state state;
	struct message m;

	slot_count(s, slot, &count);
	slot_load(s, slot, &load);
	state = state_of(s, slot, &count);
	message_init(&m, MSG_STATE_SLOT, 0);
	message_put_text(&m, TAG_SERVICE, s->name);
	message_put_u64(&m, TAG_SERVICE_INDEX, s->index);
	message_put_u64(&m, TAG_SLOT, slot);
	message_put_u64(&m, TAG_STATE, state);
	message_put_text(&m, TAG_NAME, service_slot_label(s, slot));
	message_put_text(&m, TAG_RELEASE, sl->release);
	message_put_u64(&m, TAG_READY, count.healthy);
	message_put_u64(&m, TAG_TOTAL, count.total);
	message_put_u64(&m, TAG_QUEUED, load.queued);
	message_put_u64(&m, TAG_ACTIVE, load.active);
	message_put_u64(&m, TAG_IDLE, load.idle);
	message_put_u64(&m, TAG_SINCE, sl->since);
	message_put_u64(&m, TAG_DEADLINE, to_wall(sl->retire.deadline));
	message_put_text(&m, TAG_NOTE, slot_note(s, slot, state));
	return helper_send(control, &m);
}

static void list_addresses(const struct service *s, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < s->config->listen.len && used < size; i++) {
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? "\n" : "",
					 s->config->listen.at[i]);
	}
}

static int publish_whole(const struct service *s, struct helper *control)
{
	struct switch_word word = service_word(s);
	char listens[4096];
	struct message m;

	list_addresses(s, listens, sizeof(listens));
	message_init(&m, MSG_STATE_SERVICE, 0);
	message_put_text(&m, TAG_SERVICE, s->name);
	message_put_u64(&m, TAG_SERVICE_INDEX, s->index);
	message_put_u64(&m, TAG_LIVE, word.live);
	message_put_u64(&m, TAG_GENERATION, word.generation);
	message_put_u64(&m, TAG_STEP, s->swap.step);
	message_put_u64(&m, TAG_SINCE, s->slots[word.live].since);
	message_put_text(&m, TAG_LISTENS, listens);
	message_put_text(&m, TAG_NOTE, s->note);
	if (s->job) {
		message_put_u64(&m, TAG_JOB, job_number(s->job));
		message_put_text(&m, TAG_WHO, job_who(s->job));
	}
	return helper_send(control, &m);
}

void service_publish(struct service *s, struct helper *control)
{
	relays_workers(s); /* first: who reads that a worker is ready may count on it */
	if (publish_whole(s, control) == 0 && publish_slot(s, SLOT_A, control) == 0) {
		(void)publish_slot(s, SLOT_B, control);
	}
	jobs_publish(s, control);
}
