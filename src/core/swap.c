#include <slotd/swap.h>

#include <stdio.h>
#include <syslog.h>

void swap_init(struct swap *s, uint32_t service, const struct swap_policy *policy,
	       enum slot_id live)
{
	*s = (struct swap){
		.service = service,
		.policy = policy,
		.live = live,
		.target = live,
		.deadline = USEC_NEVER,
	};
}

static struct plan_action *add(struct swap *s, enum plan_kind kind, struct plan *plan)
{
	struct plan_action *a = plan_add(plan, kind, s->service);

	a->slot = (int)s->target;
	return a;
}

static void set_timer(struct swap *s, usec_t at, struct plan *plan)
{
	if (at != s->deadline) {
		s->deadline = at;
		plan_add(plan, PLAN_TIMER, s->service)->at = at;
	}
}

static void enter(struct swap *s, enum swap_step to, const char *how, usec_t now, struct plan *plan)
{
	struct plan_action *a = add(s, PLAN_STEP, plan);

	a->from = (int)s->step;
	a->arg = (int)to;
	(void)snprintf(a->text, sizeof(a->text), "%s", how ? how : "");
	s->step = to;
	s->step_began = now;
}

static void finish(struct swap *s, enum swap_exit code, const char *text, struct plan *plan)
{
	struct plan_action *a;

	set_timer(s, USEC_NEVER, plan);
	a = add(s, PLAN_FINISH, plan);
	a->from = (int)s->step;
	a->arg = (int)code;
	(void)snprintf(a->text, sizeof(a->text), "%s", text ? text : "");
	s->step = SWAP_NONE;
}

/* ---- forward ---- */

static void enter_check(struct swap *s, const char *how, usec_t now, struct plan *plan)
{
	set_timer(s, USEC_NEVER, plan);
	enter(s, SWAP_CHECK_RECORD, how, now, plan);
	add(s, PLAN_CHECK_RECORD, plan);
}

static void enter_start(struct swap *s, const char *how, usec_t now, struct plan *plan)
{
	enter(s, SWAP_START, how, now, plan);
	/* One limit for start and gate: what people wait for is readiness. */
	set_timer(s, usec_add(now, s->policy->ready_timeout), plan);
	add(s, PLAN_SLOT_START, plan)->arg = s->afresh;
}

/* What is prepared is neither warm nor anything to go back to: nothing of it goes on running. */
static void enter_prepare(struct swap *s, const char *how, usec_t now, struct plan *plan)
{
	add(s, PLAN_TOUCH, plan);
	if (!s->policy->has_prepare) {
		enter_start(s, how, now, plan);
		return;
	}
	add(s, PLAN_SLOT_STOP, plan);
	enter(s, SWAP_PREPARE, how, now, plan);
	set_timer(s, usec_add(now, s->policy->prepare_timeout), plan);
	add(s, PLAN_PREPARE, plan);
}

/* A record that cannot be written is found before the migrations have run. */
static void enter_precheck(struct swap *s, const char *how, usec_t now, struct plan *plan)
{
	enter(s, SWAP_PRECHECK, how, now, plan);
	add(s, PLAN_CHECK_RECORD, plan);
}

static void begin(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	s->kind = ev->what;
	s->target = slot_other(s->live);
	s->warm = ev->warm && !ev->touched && s->kind != SWAP_KIND_DEPLOY;
	s->afresh = ev->touched || s->kind == SWAP_KIND_DEPLOY;
	if (s->warm) {
		enter_check(s, NULL, now, plan);
	} else if (s->kind != SWAP_KIND_DEPLOY) {
		enter_start(s, NULL, now, plan);
	} else if (ev->draining) {
		enter(s, SWAP_WAIT, NULL, now, plan);
	} else {
		enter_precheck(s, NULL, now, plan);
	}
}

static void vacant(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	enter_precheck(s, ev->text, now, plan);
}

static void prechecked(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	enter_prepare(s, ev->text, now, plan);
}

static void prepared(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	if (ev->code == 0) {
		enter_start(s, ev->text, now, plan);
	} else {
		finish(s, SWAP_EXIT_FAILED, ev->text, plan);
	}
}

static void started(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	enter(s, SWAP_GATE, ev->text, now, plan);
	add(s, PLAN_GATE, plan);
}

static void ready(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	add(s, PLAN_GATE_END, plan);
	enter_check(s, ev->text, now, plan);
}

static void flip(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	enter(s, SWAP_FLIP, ev->text, now, plan);
	add(s, PLAN_FLIP, plan);
}

static void flipped(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	s->live = s->target;
	enter(s, SWAP_BAKE, ev->text, now, plan);
	add(s, PLAN_RECORD, plan);
}

/* The flip stands whether or not it could be written down. */
static void recorded(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	if (ev->code != 0) {
		plan_log(plan, s->service, LOG_ERR, "%s",
			 ev->text ? ev->text : "the record failed");
	}
	if (s->policy->bake) {
		set_timer(s, usec_add(now, s->policy->bake), plan);
	} else {
		finish(s, SWAP_EXIT_DONE, ev->code ? ev->text : NULL, plan);
	}
}

static void baked(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	(void)now;
	finish(s, SWAP_EXIT_DONE, ev->text, plan);
}

/* ---- back ---- */

/* What each step has begun and must be ended when the swap is given up there. */
static const struct {
	enum plan_kind end;
	bool stop_slot;
} undo[SWAP_STEP_MAX_] = {
	[SWAP_PREPARE] = {.end = PLAN_STOP_PREPARE},
	[SWAP_START] = {.stop_slot = true},
	[SWAP_GATE] = {.end = PLAN_GATE_END, .stop_slot = true},
	[SWAP_CHECK_RECORD] = {.stop_slot = true},
	[SWAP_FLIP] = {.stop_slot = true},
};

/* live was not touched: only the idle slot goes back to what it was. */
static void abandon(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	(void)now;
	if (undo[s->step].end != PLAN_NONE) {
		add(s, undo[s->step].end, plan);
	}
	if (undo[s->step].stop_slot && !s->warm) {
		add(s, PLAN_SLOT_STOP, plan);
	}
	finish(s, SWAP_EXIT_FAILED, ev->text, plan);
}

/* ---- the matrix: an empty cell is ignored; from FLIP on there is no abort ---- */

typedef void step_fn(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan);

static step_fn *const steps[SWAP_STEP_MAX_][SWAP_EV_MAX_] = {
	[SWAP_NONE] = {[SWAP_EV_BEGIN] = begin},
	[SWAP_WAIT] = {[SWAP_EV_VACANT] = vacant, [SWAP_EV_ABORT] = abandon},
	[SWAP_PRECHECK] = {[SWAP_EV_RECORD_OK] = prechecked,
			   [SWAP_EV_RECORD_FAILED] = abandon,
			   [SWAP_EV_ABORT] = abandon},
	[SWAP_PREPARE] = {[SWAP_EV_PREPARED] = prepared,
			  [SWAP_EV_ABORT] = abandon,
			  [SWAP_EV_TIMER] = abandon},
	[SWAP_START] = {[SWAP_EV_STARTED] = started,
			[SWAP_EV_START_FAILED] = abandon,
			[SWAP_EV_ABORT] = abandon,
			[SWAP_EV_TIMER] = abandon},
	[SWAP_GATE] = {[SWAP_EV_READY] = ready,
		       [SWAP_EV_NOT_READY] = abandon,
		       [SWAP_EV_ABORT] = abandon,
		       [SWAP_EV_TIMER] = abandon},
	[SWAP_CHECK_RECORD] = {[SWAP_EV_RECORD_OK] = flip,
			       [SWAP_EV_RECORD_FAILED] = abandon,
			       [SWAP_EV_NOT_READY] = abandon,
			       [SWAP_EV_ABORT] = abandon},
	[SWAP_FLIP] = {[SWAP_EV_FLIPPED] = flipped, [SWAP_EV_FLIP_FAILED] = abandon},
	[SWAP_BAKE] = {[SWAP_EV_RECORDED] = recorded, [SWAP_EV_TIMER] = baked},
};

void swap_step(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan)
{
	step_fn *fn = steps[s->step][ev->kind];

	if (ev->kind == SWAP_EV_TIMER) {
		if (s->deadline == USEC_NEVER || now < s->deadline) {
			return; /* overtaken by another event */
		}
		s->deadline = USEC_NEVER;
	}
	if (fn) {
		fn(s, ev, now, plan);
	}
}
