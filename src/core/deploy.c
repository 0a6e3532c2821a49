#include "deploy_phases.h"
#include "phases.h"

#include <assert.h>
#include <slotd/handoff.h>
#include <stdio.h>

/* ---- what a plan says ---- */

struct plan_action *deploy_add_for(struct deploy *d, enum slot_id slot, enum plan_kind kind,
				   struct plan *plan)
{
	struct plan_action *a = plan_add(plan, kind, d->service);

	a->slot = (int)slot;
	return a;
}

struct plan_action *deploy_add(struct deploy *d, enum plan_kind kind, struct plan *plan)
{
	return deploy_add_for(d, d->target, kind, plan);
}

void deploy_set_timer(struct deploy *d, usec_t at, struct plan *plan)
{
	if (at != d->deadline) {
		d->deadline = at;
		plan_add(plan, PLAN_TIMER, d->service)->at = at;
	}
}

static unsigned count_shown(const struct deploy *d, uint32_t before)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < before; i++) {
		n += phase_of(d->phases[i].step)->shown;
	}
	return n;
}

/* "3/6": of the phase that has ended well, if people see it. The way back has no numbers. */
static unsigned position_done(const struct deploy *d)
{
	const bool shown = d->step != SWAP_NONE && d->at < d->turn && phase_of(d->step)->shown;

	return shown ? count_shown(d, d->at + 1) : 0;
}

/* The same of one that failed, be it seen or not: it is the next that people expect. */
static unsigned position_failed(const struct deploy *d)
{
	return d->at < d->turn ? count_shown(d, d->at) + 1 : 0;
}

static struct plan_action *tell(struct deploy *d, enum plan_kind kind, const char *text,
				struct plan *plan)
{
	struct plan_action *a = deploy_add(d, kind, plan);

	a->from = (int)d->step;
	(void)snprintf(a->text, sizeof(a->text), "%s", text ? text : "");
	return a;
}

/* ---- verify, again and again ---- */

static void set_verify(struct deploy *d, usec_t at, struct plan *plan)
{
	const usec_t was = d->verify_at ? d->verify_at : USEC_NEVER;

	d->verify_at = at;
	if (at != was) {
		deploy_add(d, PLAN_VERIFY_AT, plan)->at = at;
	}
}

static void end_verifying(struct deploy *d, struct plan *plan)
{
	set_verify(d, USEC_NEVER, plan);
	if (d->verifying) {
		d->verifying = false;
		deploy_add(d, PLAN_VERIFY, plan)->arg = 0;
	}
}

static bool is_verified_again(const struct deploy *d)
{
	return d->step != SWAP_NONE && phase_of(d->step)->verified && d->verify_interval;
}

/* The end of the phase has waited for what verify finds. */
static bool is_time_over(const struct deploy *d)
{
	return d->deadline == USEC_NEVER && d->phases[d->at].limit != USEC_NEVER;
}

static void verify_later(struct deploy *d, usec_t now, struct plan *plan)
{
	if (is_verified_again(d)) {
		set_verify(d, usec_add(now, d->verify_interval), plan);
	}
}

static void verified(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	(void)ev;
	if (!d->verifying) {
		return;
	}
	d->verifying = false;
	if (is_time_over(d)) {
		deploy_set_timer(d, now, plan);
	} else {
		verify_later(d, now, plan);
	}
}

static void verify(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	(void)ev;
	if (d->verifying || !d->verify_at || now < d->verify_at) {
		return; /* overtaken by another event */
	}
	d->verify_at = USEC_NEVER;
	d->verifying = true;
	deploy_add(d, PLAN_VERIFY, plan)->arg = 1;
}

/* What a killed slotd had begun is begun again: nobody heard how it ended. */
static void resume_verifying(struct deploy *d, usec_t now, struct plan *plan)
{
	if (d->verifying) {
		d->verifying = false;
		d->verify_at = now;
	}
	if (d->verify_at && d->verify_at != USEC_NEVER) {
		deploy_add(d, PLAN_VERIFY_AT, plan)->at = d->verify_at;
	}
}

/* The same in every phase. */
static step_fn *const common[DEPLOY_EV_MAX_] = {
	[DEPLOY_EV_VERIFY_DUE] = verify,
	[DEPLOY_EV_VERIFIED] = verified,
};

/* ---- forward ---- */

static void enter(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	const struct deploy_phase *entry = &d->phases[d->at];
	const struct phase *p = phase_of(entry->step);

	if (d->step != entry->step) { /* else another step of a canary, in which it goes on */
		end_verifying(d, plan);
	}
	d->step = entry->step;
	d->phase_began = now;
	if (!p->same_limit) {
		deploy_set_timer(d, usec_add(now, entry->limit), plan);
	}
	if (p->enter) {
		p->enter(d, ev, plan);
	}
	if (!d->verifying && (!d->verify_at || d->verify_at == USEC_NEVER)) {
		verify_later(d, now, plan);
	}
}

static struct plan_action *step_to(struct deploy *d, enum swap_step to, unsigned position,
				   const char *how, struct plan *plan)
{
	struct plan_action *a = tell(d, PLAN_STEP, how, plan);

	a->arg = (int)to;
	a->position = position;
	return a;
}

void deploy_repeat(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	d->at--;
	(void)step_to(d, d->phases[d->at].step, 0, NULL, plan);
	deploy_set_timer(d, usec_add(now, d->ready_timeout), plan);
	enter(d, ev, now, plan);
}

static void finish(struct deploy *d, enum swap_exit code, unsigned position, const char *text,
		   struct plan *plan)
{
	struct plan_action *a;

	end_verifying(d, plan);
	deploy_set_timer(d, USEC_NEVER, plan);
	a = tell(d, PLAN_FINISH, text, plan);
	a->arg = (int)code;
	a->position = position;
}

void deploy_append(struct deploy *d, enum swap_step step, usec_t limit)
{
	assert(d->n < DEPLOY_PHASES_MAX);
	d->phases[d->n++] = (struct deploy_phase){step, limit};
}

/* It ends with that code, after the commands for that case. */
static void fail(struct deploy *d, enum swap_exit code, const struct deploy_event *ev, usec_t now,
		 struct plan *plan)
{
	if (!d->on_failure || (ev->kind == DEPLOY_EV_ABORT && ev->code)) {
		deploy_end(d, code, ev->text, plan);
		return;
	}
	deploy_fail_by(d, code, &(struct deploy_phase){SWAP_ON_FAILURE, d->on_failure}, ev, now,
		       plan);
}

void deploy_fail_by(struct deploy *d, enum swap_exit code, const struct deploy_phase *last,
		    const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	tell(d, PLAN_FAILED, ev->text, plan)->position = position_failed(d);
	d->code = code;
	d->n = d->at + 1;
	d->turn = d->turn < d->n ? d->turn : d->n;
	deploy_append(d, last->step, last->limit);
	d->at++;
	enter(d, ev, now, plan);
}

void deploy_next(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	const struct phase *p = phase_of(d->step);
	unsigned position = position_done(d);

	if (p->leave) {
		p->leave(d, ev, plan);
	}
	if (p->leave_well) {
		p->leave_well(d, ev, plan);
	}
	if (d->at + 1 < d->n) {
		d->at++;
		step_to(d, d->phases[d->at].step, position, ev->text, plan)->code =
			p->on[DEPLOY_EV_COMMANDS] ? ev->code : 0;
		enter(d, ev, now, plan);
	} else if (d->back) {
		fail(d, SWAP_EXIT_FLIPPED_BACK, ev, now, plan);
	} else {
		if (!p->rolls) {
			deploy_add(d, PLAN_READY, plan);
		}
		finish(d, SWAP_EXIT_DONE, position, ev->text, plan);
		d->step = SWAP_NONE;
	}
}

static void list_phase(struct deploy *d, const struct phase *p, const struct deploy_event *ev)
{
	if (p->needed && !p->needed(d, ev)) {
		return;
	}
	if (p->list) {
		p->list(d, ev);
	} else {
		deploy_append(d, p->step, p->limit ? p->limit(ev->policy) : USEC_NEVER);
	}
}

static void begin_canary(struct deploy *d, const struct deploy_event *ev)
{
	const bool rolls = ev->what == SWAP_KIND_RESTART;

	d->stands = ev->stands && !rolls;
	d->by_hand = ev->share && !ev->stands && !rolls;
	d->keeps = ev->keeps;
	d->share = ev->share;
	d->weight = 0;
	d->canary_crashes = 0;
	d->canary_crashes_max = ev->policy->canary_crashes;
	d->canary_began = 0;
}

void deploy_begin(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	const bool rolls = ev->what == SWAP_KIND_RESTART;
	const bool flips = !rolls && !ev->until_gate && !ev->stands;
	const struct phase *p;

	d->kind = ev->what;
	d->target = rolls ? d->live : slot_other(d->live);
	d->warm = !rolls && ev->warm && !ev->touched && d->kind != SWAP_KIND_DEPLOY;
	d->afresh = ev->touched || d->kind == SWAP_KIND_DEPLOY;
	d->back = false;
	d->until_gate = ev->until_gate;
	d->one_way = ev->one_way && d->kind != SWAP_KIND_DEPLOY;
	d->crashes = 0;
	d->crashes_max = ev->policy->bake_crashes;
	d->verify_interval = ev->policy->has_hook[HOOK_VERIFY] ? ev->policy->verify_interval : 0;
	d->verify_at = USEC_NEVER;
	d->verifying = false;
	d->ready_timeout = ev->policy->ready_timeout;
	d->on_failure = ev->policy->has_hook[HOOK_ON_FAILURE] && !rolls
				? ev->policy->hook_timeout[HOOK_ON_FAILURE]
				: 0;
	d->n = d->at = 0;
	begin_canary(d, ev);
	for (size_t i = 0; (p = phase_at(i)) && (flips || rolls || !p->flips); i++) {
		if (p->rolls == rolls) {
			list_phase(d, p, ev);
		}
	}
	d->turn = d->n;
	d->total = count_shown(d, d->n);
	if (d->warm) {
		deploy_add(d, PLAN_RECALL, plan);
	}
	(void)step_to(d, d->phases[0].step, 0, NULL, plan);
	enter(d, ev, now, plan);
}

/* ---- back ---- */

void deploy_end(struct deploy *d, enum swap_exit code, const char *text, struct plan *plan)
{
	finish(d, code, position_failed(d), text, plan);
	d->step = SWAP_NONE;
}

void deploy_close(struct deploy *d, const char *text, struct plan *plan)
{
	deploy_set_timer(d, USEC_NEVER, plan);
	(void)tell(d, PLAN_CLOSE, text, plan);
	d->step = SWAP_NONE;
}

void deploy_abandon(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	const struct phase *p = phase_of(d->step);
	const bool had_share = d->weight;

	if (p->leave) {
		p->leave(d, ev, plan);
	}
	d->weight = 0;
	if (d->keeps) {
		/* The A/B test goes on as before. */
	} else if (d->warm || had_share) {
		deploy_add(d, PLAN_RETIRE, plan)->arg = !d->warm;
	} else if (p->undo) {
		p->undo(d, ev, plan);
	}
	fail(d, SWAP_EXIT_FAILED, ev, now, plan);
}

void deploy_turn_back(struct deploy *d, const struct deploy_event *ev, usec_t now,
		      struct plan *plan)
{
	tell(d, PLAN_BACK, ev->text, plan)->position = position_failed(d);
	d->back = true;
	d->target = slot_other(d->live);
	d->warm = ev->warm;
	d->afresh = false;
	d->turn = d->n = d->at + 1;
	if (d->warm) {
		deploy_add(d, PLAN_RECALL, plan);
	} else {
		deploy_append(d, SWAP_START, d->ready_timeout);
		deploy_append(d, SWAP_GATE, USEC_NEVER);
	}
	deploy_append(d, SWAP_FLIP, USEC_NEVER);
	deploy_append(d, SWAP_RECORD, USEC_NEVER);
	d->at++;
	(void)step_to(d, d->phases[d->at].step, 0, NULL, plan);
	enter(d, ev, now, plan);
}

void deploy_stay(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	fail(d, SWAP_EXIT_FAILED, ev, now, plan);
}

/* ---- after a restart of slotd alone ---- */

void deploy_resume(struct deploy *d, usec_t now, struct plan *plan)
{
	const struct deploy_event ev = {.kind = DEPLOY_EV_RESUME, .text = ""};
	const struct phase *p;

	if (d->step == SWAP_NONE) {
		return;
	}
	if (d->deadline != USEC_NEVER) {
		plan_add(plan, PLAN_TIMER, d->service)->at = d->deadline;
	}
	resume_verifying(d, now, plan);
	p = phase_of(d->step);
	if (p->on[DEPLOY_EV_RESUME]) {
		p->on[DEPLOY_EV_RESUME](d, &ev, now, plan);
	} else if (p->enter) {
		p->enter(d, &ev, plan);
	}
}

/* ---- for the others ---- */

static bool is_phase(enum swap_step step)
{
	const struct phase *p = NULL;

	for (size_t i = 0; (p = phase_at(i)) && p->step != step; i++) {
	}
	return p != NULL;
}

bool deploy_sane(const struct deploy *d)
{
	if (d->n > DEPLOY_PHASES_MAX || (unsigned)d->live >= SLOT_MAX_ ||
	    (unsigned)d->target >= SLOT_MAX_ || (unsigned)d->kind >= SWAP_KIND_MAX_) {
		return false;
	}
	for (uint32_t i = 0; i < d->n; i++) {
		if (!is_phase(d->phases[i].step)) {
			return false;
		}
	}
	if (d->weight > PLACEMENT_WHOLE || d->share > PLACEMENT_WHOLE) {
		return false;
	}
	return d->step == SWAP_NONE || (d->at < d->n && d->phases[d->at].step == d->step);
}

void deploy_init(struct deploy *d, uint32_t service, enum slot_id live)
{
	*d = (struct deploy){
		.service = service,
		.live = live,
		.target = live,
		.deadline = USEC_NEVER,
		.verify_at = USEC_NEVER,
	};
}

bool deploy_busy(const struct deploy *d)
{
	return d->step != SWAP_NONE && d->step != SWAP_DRAIN;
}

enum slot_id deploy_slot_in_use(const struct deploy *d)
{
	if (d->step == SWAP_NONE || !phase_of(d->step)->uses_slot) {
		return SLOT_INVALID_;
	}
	return d->step == SWAP_ON_FAILURE ? slot_other(d->live) : d->target; /* also flipped back */
}

void deploy_step(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	step_fn *fn;

	if (ev->kind == DEPLOY_EV_TIMER) {
		if (d->deadline == USEC_NEVER || now < d->deadline) {
			return; /* overtaken by another event */
		}
		d->deadline = USEC_NEVER;
	}
	if (d->step == SWAP_NONE) {
		fn = ev->kind == DEPLOY_EV_BEGIN ? deploy_begin : NULL;
	} else {
		fn = common[ev->kind] ? common[ev->kind] : phase_of(d->step)->on[ev->kind];
	}
	if (fn) {
		fn(d, ev, now, plan);
	}
}
