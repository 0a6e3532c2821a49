#include "service/place.h"
#include "service/handoff_ops.h"
#include "service/observers.h"

/* ---- what is known ---- */

struct worker_condition slot_worker_condition(const struct process *p)
{
	return (struct worker_condition){
		.state = p->worker.state,
		.served = p->config->address,
		.healthy = p->health.healthy,
		.ended = !p->pid && !worker_stoppable(&p->worker),
		.given_up = p->worker.deadline == USEC_NEVER,
		.leaving = roll_is_leaving(&p->roll),
		.ran = p->stopped_wall && !p->restart,
	};
}

void service_count(const struct service *s, struct slot_count ret[SLOT_MAX_])
{
	struct process *p;
	size_t pos = 0;

	ret[SLOT_A] = ret[SLOT_B] = (struct slot_count){0};
	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		const struct worker_condition w = slot_worker_condition(p);

		slot_count_add(&ret[p->slot], &w);
	}
}

void slot_count(const struct service *s, enum slot_id slot, struct slot_count *ret)
{
	struct slot_count both[SLOT_MAX_];

	service_count(s, both);
	*ret = both[slot];
}

static unsigned count_unbound(const struct service *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->sockets.len; i++) {
		n += s->sockets.at[i].fd < 0;
	}
	return n;
}

static struct service_wish all_wishes(const struct service *s)
{
	struct service_wish wish = s->wish;

	wish.weight = s->swap.weight ? s->swap.weight : s->ab.weight;
	wish.canary = wish.weight ? service_sharing(s) : service_live(s);
	wish.ab = !s->swap.weight;
	return wish;
}

static void gather(const struct service *s, enum slot_id live, struct service_conditions *ret)
{
	*ret = (struct service_conditions){
		.unknown = s->down,
		.live = live,
		.wish = all_wishes(s),
		.target = deploy_busy(&s->swap) ? s->swap.target : SLOT_INVALID_,
		.unbound = count_unbound(s),
		.unrecorded = s->unrecorded,
	};
	service_count(s, ret->slots);
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		ret->retire[slot] = s->slots[slot].retire.state;
	}
}

void service_verdict(const struct service *s, struct service_verdict *ret)
{
	struct service_conditions c;

	gather(s, s->placed.live, &c);
	service_judge(&c, ret);
	if (s->sup->mood != MOOD_RUNNING) { /* workers end because slotd does */
		ret->troubles = s->troubles;
		ret->placement = s->placed;
	}
}

/* ---- troubles ---- */

/* Those that make clients wait; what the others mean is said by whoever met them. */
static const uint32_t holding = UINT32_C(1) << TROUBLE_STOPPED | UINT32_C(1) << TROUBLE_REMOVED |
				UINT32_C(1) << TROUBLE_PAUSED;

static void set_troubles(struct service *s, uint32_t troubles)
{
	uint32_t come = troubles & ~s->troubles;
	bool held = s->troubles & holding;
	char text[SERVICE_TEXT_MAX];

	if (troubles == s->troubles) {
		return;
	}
	s->troubles = troubles;
	for (int t = 0; t < TROUBLE_MAX_; t++) {
		if (come & holding & trouble_bit((enum trouble)t)) {
			service_say(s, LOG_WARNING, "%s",
				    service_trouble_text(s, (enum trouble)t, text, sizeof(text)));
		}
	}
	if (held && !(troubles & holding)) {
		s->why[TROUBLE_STOPPED][0] = s->why[TROUBLE_REMOVED][0] = '\0';
		service_write_ledger(s);
		service_say(s, LOG_NOTICE, "connections no longer wait");
	}
	service_changed(s);
}

/* ---- where connections go ---- */

void service_tell_workers(struct service *s)
{
	struct slot_count slots[SLOT_MAX_];
	struct process *p;
	size_t pos = 0;

	if (s->down) {
		return; /* nobody has heard of it */
	}
	service_count(s, slots);
	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		const struct worker_condition w = slot_worker_condition(p);

		if (w.served) {
			s->sup->handoff->worker(s, p, worker_is_up(&w, &slots[p->slot]));
		}
	}
}

void service_begin_placed(struct service *s, enum slot_id live)
{
	s->placed = (struct placement){.live = live,
				       .mode = s->down		 ? SWITCH_HOLD
					       : s->wish.offline ? SWITCH_OFFLINE
								 : SWITCH_OPEN};
	s->flipping = false;
	s->sup->handoff->begin(s, &s->placed);
}

void service_resume_placed(struct service *s)
{
	const struct switch_word word = service_word(s);

	s->placed = (struct placement){.live = word.live, .weight = word.weight, .mode = word.mode};
	s->flipped_at = s->sup->switchboard->services[s->index].flipped_at;
	s->flipping = s->unsharing = false;
	s->told_share = word.weight;
	s->sup->handoff->begin(s, &s->placed);
}

void service_flip(struct service *s, enum slot_id live)
{
	struct service_conditions c;
	struct service_verdict v;

	gather(s, live, &c);
	service_judge(&c, &v);
	service_tell_workers(s);
	s->flipping = true;
	s->flip_to = v.placement;
	s->sup->handoff->place(s, &s->flip_to);
}

void service_settle(struct service *s)
{
	struct service_verdict v;

	service_tell_workers(s);
	if (s->flipping) {
		return; /* it has decided, and this is asked again when it is over */
	}
	service_verdict(s, &v);
	if (!s->down && !placement_equal(&v.placement, &s->placed)) {
		s->unsharing = s->unsharing || (s->placed.weight && !v.placement.weight);
		s->placed = v.placement;
		s->sup->handoff->place(s, &s->placed);
	}
	set_troubles(s, v.troubles);
}

void service_drain(struct service *s, enum slot_id slot)
{
	if (s->placed.weight) {
		service_settle(s);
	}
	s->slots[slot].drain_waits = s->unsharing;
	if (!s->unsharing) {
		s->sup->handoff->drain(s, slot);
	}
}

/* Every relay knows the share of the idle slot. */
static void shared(struct service *s)
{
	s->unsharing = s->unsharing && s->placed.weight;
	for (int slot = 0; slot < SLOT_MAX_ && !s->unsharing; slot++) {
		if (s->slots[slot].drain_waits) {
			s->slots[slot].drain_waits = false;
			s->sup->handoff->drain(s, (enum slot_id)slot);
		}
	}
	if (s->told_share != s->placed.weight) {
		s->told_share = s->placed.weight;
		service_shared(s);
	}
}

static void flipped(struct service *s)
{
	char text[USEC_TEXT_MAX];

	s->flipping = false;
	s->placed = s->flip_to;
	s->told_share = s->placed.weight;
	shared(s);
	service_settle_soon(s);
	(void)usec_format(usec_sub(usec_monotonic(), s->flipped_at), text, sizeof(text));
	service_step(s, DEPLOY_EV_FLIPPED, 0, text);
}

void service_handed(struct service *s, const struct handoff_event *ev)
{
	switch (ev->kind) {
	case HANDOFF_PLACED:
		if (s->flipping) {
			flipped(s);
		} else {
			shared(s);
		}
		break;
	case HANDOFF_DRAINED:
		service_drained(s, ev->slot, RETIRE_EV_DRAINED);
		break;
	case HANDOFF_CUT:
		s->slots[ev->slot].n_cut = ev->n;
		service_drained(s, ev->slot, RETIRE_EV_CUT);
		break;
	case HANDOFF_WORKER_DRAINED:
	case HANDOFF_WORKER_CUT:
		service_worker_drained(s, ev->worker, ev->kind == HANDOFF_WORKER_CUT, ev->n);
		break;
	}
}
