#include "phases.h"

#include "canary.h"
#include "deploy_phases.h"
#include "roll_phases.h"

#include <assert.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <syslog.h>

/* A deploy watches the drain to its end where that is due soon, so that its last line says how many
 * connections were cut. One of hours goes on without being watched. */
#define DRAIN_WATCHED SECONDS(10)
#define DRAIN_SOON    SECONDS(60)
#define DRAIN_CUTS    SECONDS(2)

/* ---- wait, precheck, prepare ---- */

static bool is_deploy(const struct deploy *d, const struct deploy_event *begin)
{
	(void)begin;
	return d->kind == SWAP_KIND_DEPLOY;
}

static bool has_to_wait(const struct deploy *d, const struct deploy_event *begin)
{
	return d->afresh && begin->draining; /* its workers are stopped, and no request with them */
}

static bool has_prepare(const struct deploy *d, const struct deploy_event *begin)
{
	return is_deploy(d, begin) && begin->policy->has_hook[HOOK_PREPARE];
}

static usec_t prepare_timeout(const struct swap_policy *policy)
{
	return policy->hook_timeout[HOOK_PREPARE];
}

/* What is deployed into is neither warm nor anything to go back to, whatever comes of it. */
static void touch(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_TOUCH, plan);
}

static void run(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_RUN, plan)->arg = (int)phase_of(d->step)->hook;
}

static void stop_run(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	if (ev->kind != DEPLOY_EV_COMMANDS) {
		deploy_add(d, PLAN_STOP_RUN, plan);
	}
}

/* Nothing half prepared goes on running. */
static void prepare(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	deploy_add(d, PLAN_SLOT_STOP, plan);
	run(d, ev, plan);
}

/* Without a name from anybody; after prepare, which brings what is to be named. */
static bool has_to_be_named(const struct deploy *d, const struct deploy_event *begin)
{
	return is_deploy(d, begin) && begin->unnamed && begin->policy->has_hook[HOOK_RELEASE];
}

static usec_t release_timeout(const struct swap_policy *policy)
{
	return policy->hook_timeout[HOOK_RELEASE];
}

static void ran(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	(ev->code ? deploy_abandon : deploy_next)(d, ev, now, plan);
}

static void prepared(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	d->one_way = d->one_way || ev->one_way;
	ran(d, ev, now, plan);
}

/* ---- start, gate, check ---- */

static bool is_cold(const struct deploy *d, const struct deploy_event *begin)
{
	(void)begin;
	return !d->warm;
}

static usec_t ready_timeout(const struct swap_policy *policy)
{
	return policy->ready_timeout;
}

static void start_slot(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_RECALL, plan);
	deploy_add(d, PLAN_SLOT_START, plan)->arg = d->afresh;
}

static void stop_slot(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_SLOT_STOP, plan);
}

static void open_gate(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_GATE, plan);
}

static void end_gate(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_GATE_END, plan);
}

/* A slot that is warm has been looked at. */
static bool is_verified(const struct deploy *d, const struct deploy_event *begin)
{
	return is_cold(d, begin) && begin->policy->has_hook[HOOK_VERIFY];
}

static usec_t verify_timeout(const struct swap_policy *policy)
{
	return policy->hook_timeout[HOOK_VERIFY];
}

static void check_record(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_CHECK_RECORD, plan);
}

/* ---- flip, record ---- */

static void flip(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_FLIP, plan);
}

/* What a flip brings with it. */
static void follow_flip(struct deploy *d, enum slot_id old, struct plan *plan)
{
	deploy_add(d, PLAN_LIVE, plan);
	if (d->back) {
		deploy_add_for(d, old, PLAN_TOUCH, plan); /* it holds what failed */
	} else {
		deploy_add(d, PLAN_PROVE, plan);
	}
	deploy_add(d, PLAN_STATUS, plan);
	deploy_add(d, PLAN_RECORD, plan);
	deploy_add_for(d, old, PLAN_RETIRE, plan)->arg = d->back;
	deploy_add(d, PLAN_QUEUE_WORKERS, plan);
	deploy_add(d, PLAN_CHECKS, plan);
}

static void go_live(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	const enum slot_id old = d->live;

	(void)ev;
	d->live = d->target;
	d->weight = 0;
	d->keeps = false; /* an A/B test ends by this */
	follow_flip(d, old, plan);
	plan_log(plan, d->service, LOG_NOTICE, "new connections go to slot %s, %s drains",
		 slot_name(d->live), slot_name(old));
}

/* The flip, or the share, stands whether or not it could be written down. */
static void recorded(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	if (ev->code) {
		plan_log(plan, d->service, LOG_ERR, "%s",
			 ev->text ? ev->text : "the record failed");
	}
	deploy_next(d, ev, now, plan);
}

/* ---- bake ---- */

/* The way back is not baked: who goes back wants to be there. */
static bool is_baked(const struct deploy *d, const struct deploy_event *begin)
{
	return begin->policy->bake && d->kind != SWAP_KIND_ROLLBACK;
}

static usec_t bake_time(const struct swap_policy *policy)
{
	return policy->bake;
}

static void bake(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_BAKE, plan);
}

static void failing(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	(d->one_way ? deploy_stay : deploy_turn_back)(d, ev, now, plan);
}

static void crashed(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	if (++d->crashes > d->crashes_max) {
		failing(d, ev, now, plan);
	}
}

/* At its end the new slot passes the gate once more, and what verify finds is waited for. */
static void baked(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	if (ev->code) {
		failing(d, ev, now, plan);
	} else if (!d->verifying) {
		deploy_next(d, ev, now, plan);
	}
}

/* slotd ends: the new slot stays live, and nothing more is run. */
static void leave_bake(struct deploy *d, const struct deploy_event *ev, usec_t now,
		       struct plan *plan)
{
	if (d->at + 2 < d->n && d->phases[d->at + 1].step == SWAP_AFTER_SWAP) {
		d->phases[d->at + 1] = d->phases[d->at + 2];
		d->n--;
	}
	deploy_next(d, ev, now, plan);
}

static void rolled_back(struct deploy *d, const struct deploy_event *ev, usec_t now,
			struct plan *plan)
{
	const struct phase *p = phase_of(d->step);

	(void)now;
	if (p->leave) {
		p->leave(d, ev, plan);
	}
	deploy_end(d, SWAP_EXIT_FLIPPED_BACK, ev->text, plan);
}

/* ---- after_swap ---- */

static bool has_after_swap(const struct deploy *d, const struct deploy_event *begin)
{
	(void)d;
	return begin->policy->has_hook[HOOK_AFTER_SWAP];
}

static usec_t after_swap_timeout(const struct swap_policy *policy)
{
	return policy->hook_timeout[HOOK_AFTER_SWAP];
}

/* ---- on_failure ---- */

/* The list gets it when something has failed. */
static bool never(const struct deploy *d, const struct deploy_event *begin)
{
	(void)d;
	(void)begin;
	return false;
}

/* What has failed is told: text says only what is wrong with the commands. */
static void failed_for_good(struct deploy *d, const struct deploy_event *ev, usec_t now,
			    struct plan *plan)
{
	(void)now;
	stop_run(d, ev, plan);
	deploy_end(d, d->code, ev->text, plan);
	plan->actions[plan->len - 1].code =
		ev->code || ev->kind == DEPLOY_EV_COMMANDS ? ev->code : -EINTR;
}

/* ---- drain ---- */

static usec_t drain_watched(const struct swap_policy *policy)
{
	usec_t end = usec_add(usec_add(policy->drain_timeout, policy->drain_spread), DRAIN_CUTS);

	return end <= DRAIN_SOON ? end : DRAIN_WATCHED;
}

/* Nothing that can still happen changes the outcome. */
static void watch_drain(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	struct plan_action *a = deploy_add(d, PLAN_FINISH, plan);
	const char *text = ev->kind == DEPLOY_EV_RECORDED && ev->text ? ev->text
			   : d->at && d->phases[d->at - 1].step == SWAP_AFTER_SWAP && ev->code
				   ? "The commands of after_swap failed."
				   : "";

	a->from = (int)d->step;
	a->arg = SWAP_EXIT_DONE;
	(void)snprintf(a->text, sizeof(a->text), "%s", text);
	deploy_add_for(d, slot_other(d->live), PLAN_WATCH_DRAIN, plan);
}

static void drained(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	(void)ev;
	(void)now;
	deploy_close(d, NULL, plan);
}

static void drains_on(struct deploy *d, const struct deploy_event *ev, usec_t now,
		      struct plan *plan)
{
	(void)ev;
	(void)now;
	deploy_close(d, "goes on in the background", plan);
}

static void begin_another(struct deploy *d, const struct deploy_event *ev, usec_t now,
			  struct plan *plan)
{
	drains_on(d, ev, now, plan);
	deploy_begin(d, ev, now, plan);
}

/* ---- where a slotd that was killed had come to ---- */

/* It may have drained without our having been told. */
static void wait_again(struct deploy *d, const struct deploy_event *ev, usec_t now,
		       struct plan *plan)
{
	(void)ev;
	(void)now;
	deploy_add(d, PLAN_WATCH_DRAIN, plan);
}

/* How its commands end, nobody will tell; and they may not be run twice. */
static void run_is_lost(struct deploy *d, const struct deploy_event *ev, usec_t now,
			struct plan *plan)
{
	char text[64];
	struct deploy_event lost = *ev;

	(void)snprintf(text, sizeof(text), "slotd was killed during %s",
		       hook_name(phase_of(d->step)->hook));
	lost.text = text;
	lost.code = -EINTR;
	phase_of(d->step)->on[DEPLOY_EV_TIMER](d, &lost, now, plan);
}

/* What ran before this phase began ends where it is to start afresh; the rest stays. */
static void start_again(struct deploy *d, const struct deploy_event *ev, usec_t now,
			struct plan *plan)
{
	struct plan_action *a;

	(void)ev;
	(void)now;
	deploy_add(d, PLAN_RECALL, plan);
	a = deploy_add(d, PLAN_SLOT_START, plan);
	a->arg = d->afresh;
	a->at = d->phase_began;
}

/* All of it again: some of it may not have been done. */
static void record_again(struct deploy *d, const struct deploy_event *ev, usec_t now,
			 struct plan *plan)
{
	(void)ev;
	(void)now;
	follow_flip(d, slot_other(d->live), plan);
}

static void watch_again(struct deploy *d, const struct deploy_event *ev, usec_t now,
			struct plan *plan)
{
	(void)ev;
	(void)now;
	deploy_add_for(d, slot_other(d->live), PLAN_WATCH_DRAIN, plan);
}

/* ---- the phases, in their order; from FLIP on there is no abort ---- */

static const struct phase phases[] = {
	{.step = SWAP_WAIT,
	 .needed = has_to_wait,
	 .uses_slot = true,
	 .on = {[DEPLOY_EV_DRAINED] = deploy_next,
		[DEPLOY_EV_ABORT] = deploy_abandon,
		[DEPLOY_EV_RESUME] = wait_again}},
	/* A record that cannot be written is found before the migrations have run. */
	{.step = SWAP_PRECHECK,
	 .needed = is_deploy,
	 .uses_slot = true,
	 .enter = check_record,
	 .leave_well = touch,
	 .on = {[DEPLOY_EV_RECORD_OK] = deploy_next,
		[DEPLOY_EV_RECORD_FAILED] = deploy_abandon,
		[DEPLOY_EV_ABORT] = deploy_abandon}},
	{.step = SWAP_PREPARE,
	 .needed = has_prepare,
	 .limit = prepare_timeout,
	 .shown = true,
	 .uses_slot = true,
	 .enter = prepare,
	 .undo = stop_run,
	 .on = {[DEPLOY_EV_COMMANDS] = prepared,
		[DEPLOY_EV_RESUME] = run_is_lost,
		[DEPLOY_EV_ABORT] = deploy_abandon,
		[DEPLOY_EV_TIMER] = deploy_abandon}},
	{.step = SWAP_RELEASE,
	 .hook = HOOK_RELEASE,
	 .needed = has_to_be_named,
	 .limit = release_timeout,
	 .shown = true,
	 .uses_slot = true,
	 .enter = run,
	 .undo = stop_run,
	 .on = {[DEPLOY_EV_COMMANDS] = ran,
		[DEPLOY_EV_ABORT] = deploy_abandon,
		[DEPLOY_EV_TIMER] = deploy_abandon}},
	{.step = SWAP_START,
	 .needed = is_cold,
	 .limit = ready_timeout,
	 .shown = true,
	 .uses_slot = true,
	 .enter = start_slot,
	 .undo = stop_slot,
	 .on = {[DEPLOY_EV_STARTED] = deploy_next,
		[DEPLOY_EV_RESUME] = start_again,
		[DEPLOY_EV_START_FAILED] = deploy_abandon,
		[DEPLOY_EV_ABORT] = deploy_abandon,
		[DEPLOY_EV_TIMER] = deploy_abandon}},
	/* One limit for start and gate: what people wait for is readiness. */
	{.step = SWAP_GATE,
	 .needed = is_cold,
	 .same_limit = true,
	 .shown = true,
	 .uses_slot = true,
	 .enter = open_gate,
	 .leave = end_gate,
	 .undo = stop_slot,
	 .on = {[DEPLOY_EV_READY] = deploy_next,
		[DEPLOY_EV_NOT_READY] = deploy_abandon,
		[DEPLOY_EV_ABORT] = deploy_abandon,
		[DEPLOY_EV_TIMER] = deploy_abandon}},
	{.step = SWAP_VERIFY,
	 .hook = HOOK_VERIFY,
	 .needed = is_verified,
	 .limit = verify_timeout,
	 .shown = true,
	 .uses_slot = true,
	 .enter = run,
	 .leave = stop_run,
	 .undo = stop_slot,
	 /* After a kill it is not known whether the slot was given up, and is being stopped. */
	 .on = {[DEPLOY_EV_COMMANDS] = ran,
		[DEPLOY_EV_RESUME] = deploy_repeat,
		[DEPLOY_EV_ABORT] = deploy_abandon,
		[DEPLOY_EV_TIMER] = deploy_abandon}},
	/* The last one of an A/B test, which flips nothing. */
	{.step = SWAP_SHARE,
	 .needed = share_is_needed,
	 .shown = true,
	 .uses_slot = true,
	 .enter = share_enter,
	 .on = {[DEPLOY_EV_RECORDED] = recorded, [DEPLOY_EV_ABORT] = deploy_next}},
	{.step = SWAP_CANARY,
	 .needed = canary_is_needed,
	 .list = canary_list,
	 .flips = true,
	 .shown = true,
	 .verified = true,
	 .uses_slot = true,
	 .enter = canary_enter,
	 .on = {[DEPLOY_EV_CRASHED] = canary_crashed,
		[DEPLOY_EV_FAILING] = deploy_abandon,
		[DEPLOY_EV_PROMOTE] = canary_promoted,
		[DEPLOY_EV_SHARE] = canary_changed,
		[DEPLOY_EV_ABORT] = deploy_abandon,
		[DEPLOY_EV_TIMER] = canary_over}},
	{.step = SWAP_CHECK_RECORD,
	 .flips = true,
	 .uses_slot = true,
	 .enter = check_record,
	 .undo = stop_slot,
	 .on = {[DEPLOY_EV_RECORD_OK] = deploy_next,
		[DEPLOY_EV_RECORD_FAILED] = deploy_abandon,
		[DEPLOY_EV_NOT_READY] = deploy_abandon,
		[DEPLOY_EV_ABORT] = deploy_abandon}},
	{.step = SWAP_FLIP,
	 .shown = true,
	 .uses_slot = true,
	 .enter = flip,
	 .undo = stop_slot,
	 .on = {[DEPLOY_EV_FLIPPED] = deploy_next, [DEPLOY_EV_FLIP_FAILED] = deploy_abandon}},
	{.step = SWAP_RECORD,
	 .enter = go_live,
	 .on = {[DEPLOY_EV_RECORDED] = recorded, [DEPLOY_EV_RESUME] = record_again}},
	{.step = SWAP_BAKE,
	 .needed = is_baked,
	 .limit = bake_time,
	 .shown = true,
	 .verified = true,
	 .enter = bake,
	 .on = {[DEPLOY_EV_CRASHED] = crashed,
		[DEPLOY_EV_FAILING] = failing,
		[DEPLOY_EV_ROLLED_BACK] = rolled_back,
		[DEPLOY_EV_ABORT] = leave_bake,
		[DEPLOY_EV_TIMER] = baked}},
	/* The slot is live, whatever they come to. */
	{.step = SWAP_AFTER_SWAP,
	 .hook = HOOK_AFTER_SWAP,
	 .needed = has_after_swap,
	 .limit = after_swap_timeout,
	 .shown = true,
	 .enter = run,
	 .leave = stop_run,
	 .on = {[DEPLOY_EV_COMMANDS] = deploy_next,
		[DEPLOY_EV_RESUME] = run_is_lost,
		[DEPLOY_EV_ROLLED_BACK] = rolled_back,
		[DEPLOY_EV_ABORT] = deploy_next,
		[DEPLOY_EV_TIMER] = deploy_next}},
	{.step = SWAP_ON_FAILURE,
	 .hook = HOOK_ON_FAILURE,
	 .needed = never,
	 .uses_slot = true,
	 .enter = run,
	 .on = {[DEPLOY_EV_COMMANDS] = failed_for_good,
		[DEPLOY_EV_RESUME] = run_is_lost,
		[DEPLOY_EV_ABORT] = failed_for_good,
		[DEPLOY_EV_TIMER] = failed_for_good}},
	{.step = SWAP_ROLL,
	 .rolls = true,
	 .shown = true,
	 .uses_slot = true,
	 .enter = roll_enter,
	 .on = {[DEPLOY_EV_ROLLED] = deploy_next,
		[DEPLOY_EV_ROLL_FAILED] = roll_given_up,
		[DEPLOY_EV_ABORT] = roll_given_up}},
	{.step = SWAP_SETTLE,
	 .needed = never,
	 .rolls = true,
	 .uses_slot = true,
	 .enter = settle_enter,
	 .on = {[DEPLOY_EV_ROLLED] = settle_over, [DEPLOY_EV_ABORT] = settle_aborted}},
	{.step = SWAP_DRAIN,
	 .limit = drain_watched,
	 .shown = true,
	 .enter = watch_drain,
	 .on = {[DEPLOY_EV_BEGIN] = begin_another,
		[DEPLOY_EV_RESUME] = watch_again,
		[DEPLOY_EV_DRAINED] = drained,
		[DEPLOY_EV_TIMER] = drains_on}},
};

const struct phase *phase_at(size_t i)
{
	return i < ARRAY_SIZE(phases) ? &phases[i] : NULL;
}

const struct phase *phase_of(enum swap_step step)
{
	const struct phase *p = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(phases) && !p; i++) {
		p = phases[i].step == step ? &phases[i] : NULL;
	}
	assert(p);
	return p;
}
