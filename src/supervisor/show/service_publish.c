#include "show/service_publish.h"
#include "deploy/jobs.h"
#include "link/helpers.h"
#include "service/place.h"
#include "service/service.h"

#include <stdio.h>

static usec_t to_wall(usec_t monotonic)
{
	return monotonic == USEC_NEVER
		       ? 0
		       : usec_add(usec_wall(), usec_sub(monotonic, usec_monotonic()));
}

static enum slot_remark remark_of(const struct service *s, enum slot_id slot, enum slot_state state)
{
	const bool touched = s->slots[slot].touched && !s->job;
	const enum slot_id live = service_live(s);

	switch (state) {
	case SLOT_COLD:
		return touched ? SLOT_NOT_DEPLOYED : SLOT_PLAIN;
	case SLOT_STARTING:
		return s->job ? SLOT_STEP : SLOT_PLAIN;
	case SLOT_WARM:
		return touched			 ? SLOT_NOT_DEPLOYED
		       : !s->slots[slot].proven	 ? SLOT_NEVER_LIVE
		       : *s->slots[live].one_way ? SLOT_ONE_WAY
						 : SLOT_WAY_BACK;
	case SLOT_CANARY:
		return s->swap.by_hand ? SLOT_BY_HAND : SLOT_STEP;
	case SLOT_AB:
		return SLOT_BY_HAND;
	default:
		return SLOT_PLAIN;
	}
}

/* When the slot changes by itself. */
static usec_t deadline_of(const struct service *s, enum slot_id slot, enum slot_state state)
{
	return state == SLOT_CANARY ? s->swap.deadline : s->slots[slot].retire.deadline;
}

/* What every relay does by now, which may be a little behind what was decided. */
static unsigned share_of(const struct service *s, enum slot_id slot,
			 const struct service_verdict *verdict)
{
	if (verdict->placement.mode != SWITCH_OPEN) {
		return 0;
	}
	return slot == s->placed.live ? PLACEMENT_WHOLE - s->told_share : s->told_share;
}

static int publish_slot(const struct service *s, enum slot_id slot,
			const struct service_verdict *verdict, struct helper *control)
{
	const struct service_slot *sl = &s->slots[slot];
	struct slot_count count;
	struct message m;

	slot_count(s, slot, &count);
	message_init(&m, MSG_STATE_SLOT, 0);
	message_put_text(&m, TAG_SERVICE, s->name);
	message_put_u64(&m, TAG_SERVICE_INDEX, s->index);
	message_put_u64(&m, TAG_SLOT, slot);
	message_put_u64(&m, TAG_STATE, verdict->slots[slot]);
	message_put_u64(&m, TAG_REMARK, remark_of(s, slot, verdict->slots[slot]));
	message_put_u64(&m, TAG_STEP, s->swap.step);
	message_put_u64(&m, TAG_SHARE, share_of(s, slot, verdict));
	message_put_text(&m, TAG_NAME, service_slot_label(s, slot));
	message_put_text(&m, TAG_RELEASE, sl->release);
	message_put_u64(&m, TAG_READY, count.healthy);
	message_put_u64(&m, TAG_TOTAL, count.total);
	message_put_u64(&m, TAG_SINCE, sl->since);
	message_put_u64(&m, TAG_DEADLINE, to_wall(deadline_of(s, slot, verdict->slots[slot])));
	return helper_send(control, &m);
}

static void list_addresses(const struct service *s, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < s->config->listen.len - s->config->n_preview && used < size; i++) {
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? "\n" : "",
					 s->config->listen.at[i]);
	}
}

/* A line each, in the order of their numbers. */
static void list_troubles(const struct service *s, uint32_t troubles, char *buf, size_t size)
{
	char text[SERVICE_TEXT_MAX];
	size_t used = 0;

	buf[0] = '\0';
	for (int t = 0; t < TROUBLE_MAX_ && used < size; t++) {
		if (troubles & trouble_bit((enum trouble)t)) {
			used += (size_t)snprintf(
				buf + used, size - used, "%s%s", used ? "\n" : "",
				service_trouble_text(s, (enum trouble)t, text, sizeof(text)));
		}
	}
}

static int publish_whole(const struct service *s, const struct service_verdict *verdict,
			 struct helper *control)
{
	struct switch_word word = service_word(s);
	char listens[4096], troubles[TROUBLE_MAX_ * SERVICE_TEXT_MAX];
	struct message m;

	list_addresses(s, listens, sizeof(listens));
	list_troubles(s, verdict->troubles, troubles, sizeof(troubles));
	message_init(&m, MSG_STATE_SERVICE, 0);
	message_put_text(&m, TAG_SERVICE, s->name);
	message_put_u64(&m, TAG_SERVICE_INDEX, s->index);
	message_put_u64(&m, TAG_LIVE, word.live);
	message_put_u64(&m, TAG_GENERATION, word.generation);
	message_put_u64(&m, TAG_STEP, deploy_busy(&s->swap) ? s->swap.step : SWAP_NONE);
	message_put_u64(&m, TAG_SINCE, s->slots[word.live].since);
	message_put_text(&m, TAG_LISTENS, listens);
	message_put_u64(&m, TAG_TROUBLES, verdict->troubles);
	message_put_text(&m, TAG_NOTE, troubles);
	if (s->job) {
		message_put_u64(&m, TAG_JOB, s->job->number);
		message_put_text(&m, TAG_WHO, s->job->who);
	}
	return helper_send(control, &m);
}

int service_publish(struct service *s, struct helper *control)
{
	struct service_verdict verdict;
	int r;

	service_tell_workers(s); /* first: who reads that a worker is ready may count on it */
	service_verdict(s, &verdict);
	r = publish_whole(s, &verdict, control);
	for (int slot = 0; slot < SLOT_MAX_ && r == 0; slot++) {
		r = publish_slot(s, (enum slot_id)slot, &verdict, control);
	}
	return r < 0 ? r : jobs_publish(s->sup, s, control);
}
