#include "deploy/service_swap.h"
#include "deploy/bake.h"
#include "deploy/begin.h"
#include "deploy/canary.h"
#include "deploy/hooks.h"
#include "deploy/job_steps.h"
#include "deploy/records.h"
#include "deploy/reverify.h"
#include "deploy/roll.h"
#include "service/gate.h"
#include "service/gate_report.h"
#include "service/handoff_ops.h"
#include "service/observers.h"
#include "service/place.h"
#include "service/service.h"
#include "service/services.h"
#include "service/slots.h"
#include "worker/process.h"

#include <slotd/cleanup.h>

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void carry_out(struct service *s, const struct plan *plan);
static void start_progress(struct service *s);

/* ---- feeding ---- */

static void push(struct service *s, const struct deploy_event *ev);

/* One that could not be given up when slotd began to end, within the flip, has come further. */
static void give_up_if_ending(struct service *s, enum swap_step from)
{
	if (s->sup->mood != MOOD_RUNNING && s->swap.step != from && deploy_busy(&s->swap)) {
		push(s, &(struct deploy_event){.kind = DEPLOY_EV_ABORT,
					       .code = -ESHUTDOWN,
					       .text = "slotd is shutting down"});
	}
}

static void step_all(struct service *s)
{
	struct plan plan;

	if (s->stepping) {
		return; /* the caller below on the stack goes on with it */
	}
	s->stepping = true;
	while (s->n_events) {
		struct service_event e = s->events[0];
		const enum swap_step from = s->swap.step;

		s->n_events--;
		memmove(s->events, s->events + 1, s->n_events * sizeof(e));
		e.event.text = e.text;
		plan_init(&plan);
		deploy_step(&s->swap, &e.event, usec_monotonic(), &plan);
		carry_out(s, &plan);
		give_up_if_ending(s, from);
	}
	s->stepping = false;
	service_write_ledger(s);
	service_changed(s);
}

/* Each worker of a slot may bring the same event while one plan is carried out: once is enough. */
static bool is_queued(const struct service *s, enum deploy_event_kind kind)
{
	for (unsigned i = 0; i < s->n_events; i++) {
		if (s->events[i].event.kind == kind) {
			return true;
		}
	}
	return false;
}

static void push(struct service *s, const struct deploy_event *ev)
{
	struct service_event *e = &s->events[s->n_events];

	if (is_queued(s, ev->kind)) {
		return;
	}
	e->event = *ev;
	(void)snprintf(e->text, sizeof(e->text), "%s", ev->text ? ev->text : "");
	s->n_events++;
	step_all(s);
}

void service_feed(struct service *s, enum deploy_event_kind kind, int code, const char *text)
{
	push(s, &(struct deploy_event){.kind = kind,
				       .code = code,
				       .one_way = *s->slots[s->swap.target].one_way != '\0',
				       .warm = slot_is_warm(s, slot_other(service_live(s))),
				       .text = text});
}

void service_begin(struct service *s, const struct begin *b)
{
	const struct deploy_event ev = service_begin_event(s, b);

	push(s, &ev);
}

void service_set_share(struct service *s, uint16_t share)
{
	push(s, &(struct deploy_event){.kind = DEPLOY_EV_SHARE, .share = share});
}

static void say_cut(struct service *s, enum slot_id slot)
{
	const uint64_t n = s->slots[slot].n_cut;

	if (n) {
		service_say(s, LOG_WARNING,
			    "slot %s has drained; %" PRIu64
			    " connections that did not end by themselves were closed",
			    slot_name(slot), n);
		job_cut(s, slot, n);
		if (!s->slots[slot].hurried) {
			service_drain_cut(s, slot, n);
		}
	}
}

void service_retire(struct service *s, enum slot_id slot, enum retire_event_kind kind)
{
	struct retire *r = &s->slots[slot].retire;
	enum retire_state from = r->state;
	struct plan plan;

	plan_init(&plan);
	retire_step(r, &s->policy, &(struct retire_event){.kind = kind}, usec_monotonic(), &plan);
	carry_out(s, &plan);
	service_write_ledger(s);
	if (r->state == from) {
		return;
	}
	service_changed(s);
	if (from == RETIRE_CUTTING && kind == RETIRE_EV_CUT) {
		say_cut(s, slot);
	}
	if (!slot_is_draining(s, slot)) {
		service_feed(s, DEPLOY_EV_DRAINED, 0, "the slot has drained");
	}
}

/* ---- timers ---- */

static void on_swap_timer(struct loop_timer *t)
{
	struct service *s = container_of(t, struct service, swap_timer);
	char text[PLAN_TEXT_MAX];

	switch (s->swap.step) {
	case SWAP_PREPARE:
	case SWAP_RELEASE:
	case SWAP_VERIFY:
	case SWAP_AFTER_SWAP:
	case SWAP_ON_FAILURE:
		hooks_time_out(s);
		return;
	case SWAP_START:
	case SWAP_GATE:
		(void)gate_report(s, text, sizeof(text));
		break;
	case SWAP_BAKE:
		bake_over(s);
		return;
	case SWAP_CANARY:
		canary_step_over(s);
		return;
	default:
		text[0] = '\0';
	}
	service_feed(s, DEPLOY_EV_TIMER, 0, text);
}

static void on_slot_timer(struct loop_timer *t)
{
	struct service_slot *slot = container_of(t, struct service_slot, timer);

	service_retire(container_of(slot - slot->retire.slot, struct service, slots[0]),
		       slot->retire.slot, RETIRE_EV_TIMER);
}

void service_swap_init(struct service *s, enum slot_id live)
{
	deploy_init(&s->swap, s->index, live);
	loop_timer_init(&s->swap_timer, on_swap_timer);
	for (int i = 0; i < SLOT_MAX_; i++) {
		retire_init(&s->slots[i].retire, s->index, (enum slot_id)i);
		loop_timer_init(&s->slots[i].timer, on_slot_timer);
	}
}

void service_swap_done(struct service *s)
{
	loop_timer_stop(s->sup->loop, &s->swap_timer);
	for (int i = 0; i < SLOT_MAX_; i++) {
		loop_timer_stop(s->sup->loop, &s->slots[i].timer);
	}
}

/* ---- the actions ---- */

typedef void perform_fn(struct service *s, const struct plan_action *a);

static void perform_timer(struct service *s, const struct plan_action *a)
{
	loop_timer_set(s->sup->loop, a->slot < 0 ? &s->swap_timer : &s->slots[a->slot].timer,
		       a->at);
}

static void perform_log(struct service *s, const struct plan_action *a)
{
	service_say(s, a->arg, "%s", a->text);
}

static void perform_touch(struct service *s, const struct plan_action *a)
{
	struct service_slot *slot = &s->slots[a->slot];

	slot->touched = true;
	slot->proven = false;
	slot->one_way[0] = '\0';
	if (s->job) {
		(void)snprintf(slot->release, sizeof(slot->release), "%s", s->job->release);
	}
	records_write_state(s->sup);
}

static void perform_run(struct service *s, const struct plan_action *a)
{
	service_write_ledger(s); /* a slotd that is killed here must not let them run twice */
	hooks_start(s, (enum hook)a->arg);
}

static void perform_stop_run(struct service *s, const struct plan_action *a)
{
	(void)a;
	hooks_stop(s);
}

static void perform_slot_start(struct service *s, const struct plan_action *a)
{
	if (a->at) {
		slot_start_again(s, (enum slot_id)a->slot, a->arg, a->at);
	} else {
		slot_start(s, (enum slot_id)a->slot, a->arg);
	}
	start_progress(s);
}

/* Until the drain is over, whatever stopwaitsecs says: so long a worker may take to end well. */
static usec_t drain_patience(const struct service *s)
{
	return usec_add(usec_add(s->policy.drain_timeout, s->policy.drain_spread), SECONDS(1));
}

static void tell_if_empty(struct service *s, enum slot_id slot)
{
	struct slot_count count;

	slot_count(s, slot, &count);
	if (count.alive == 0) {
		service_retire(s, slot, RETIRE_EV_STOPPED);
	}
}

static void stop_while_it_drains(struct service *s, enum slot_id slot)
{
	s->slots[slot].stop_waits = s->slots[slot].drain_waits;
	if (!s->slots[slot].stop_waits) {
		slot_stop(s, slot, drain_patience(s));
		tell_if_empty(s, slot);
	}
}

static void perform_slot_stop(struct service *s, const struct plan_action *a)
{
	if (a->arg) {
		stop_while_it_drains(s, (enum slot_id)a->slot);
	} else {
		slot_stop(s, (enum slot_id)a->slot, 0);
		tell_if_empty(s, (enum slot_id)a->slot);
	}
}

void service_swap_shared(struct service *s)
{
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		if (s->slots[slot].stop_waits) {
			stop_while_it_drains(s, (enum slot_id)slot);
		}
	}
}

static void perform_gate(struct service *s, const struct plan_action *a)
{
	(void)a;
	gate_begin(s);
}

static void perform_gate_end(struct service *s, const struct plan_action *a)
{
	(void)a;
	gate_end(s);
}

static void perform_check_record(struct service *s, const struct plan_action *a)
{
	(void)a;
	records_check(s);
}

static void perform_ready(struct service *s, const struct plan_action *a)
{
	s->slots[a->slot].touched = false;
	records_write_state(s->sup);
}

/* A slotd that was killed may have begun to stop the slot, for a flip that had failed. */
static void perform_flip(struct service *s, const struct plan_action *a)
{
	const enum slot_id slot = (enum slot_id)a->slot;
	char text[PLAN_TEXT_MAX];

	if (service_word(s).live == slot || slot_is_warm(s, slot)) {
		service_flip(s, slot);
	} else {
		service_feed(s, DEPLOY_EV_FLIP_FAILED, 0, gate_report(s, text, sizeof(text)));
	}
}

/* ---- the actions once the flip is done ---- */

static void perform_live(struct service *s, const struct plan_action *a)
{
	(void)a;
	s->slots[0].since = s->slots[1].since = usec_wall();
	s->ab = (struct ab_test){0};
	service_mark_live(s);
	service_settle_soon(s);
}

static void perform_prove(struct service *s, const struct plan_action *a)
{
	s->slots[0].proven = s->slots[1].proven = true;
	s->slots[a->slot].touched = false;
}

static void perform_status(struct service *s, const struct plan_action *a)
{
	(void)a;
	service_lives(s);
}

static void perform_record(struct service *s, const struct plan_action *a)
{
	(void)a;
	records_write(s);
}

static void perform_recall(struct service *s, const struct plan_action *a)
{
	s->slots[a->slot].stop_waits = s->slots[a->slot].drain_waits = false;
	service_retire(s, (enum slot_id)a->slot, RETIRE_EV_RECALL);
}

static void perform_retire(struct service *s, const struct plan_action *a)
{
	service_retire(s, (enum slot_id)a->slot, a->arg ? RETIRE_EV_DISCARD : RETIRE_EV_BEGIN);
}

static void perform_queue_workers(struct service *s, const struct plan_action *a)
{
	(void)a;
	slots_exchange_queue_workers(s);
}

static void perform_checks(struct service *s, const struct plan_action *a)
{
	(void)a;
	gate_schedule(s);
}

static void perform_bake(struct service *s, const struct plan_action *a)
{
	struct handoff_load load;

	s->sup->handoff->load(s, (enum slot_id)a->slot, &load);
	s->before_bake.conns = load.placed;
	s->before_bake.failed = load.failed;
}

static void perform_watch_drain(struct service *s, const struct plan_action *a)
{
	if (!slot_is_draining(s, (enum slot_id)a->slot)) {
		service_feed(s, DEPLOY_EV_DRAINED, 0, NULL);
	}
}

static void perform_drain(struct service *s, const struct plan_action *a)
{
	service_drain(s, (enum slot_id)a->slot);
}

static void perform_cut(struct service *s, const struct plan_action *a)
{
	s->slots[a->slot].hurried = a->arg;
	s->sup->handoff->cut(s, (enum slot_id)a->slot, a->arg ? 0 : s->policy.drain_spread);
}

static void perform_finish(struct service *s, const struct plan_action *a)
{
	service_ended(s, a);
	job_finished(s, a);
	roll_over(s);
}

static perform_fn *const actions[PLAN_KIND_MAX_] = {
	[PLAN_TIMER] = perform_timer,
	[PLAN_LOG] = perform_log,
	[PLAN_TOUCH] = perform_touch,
	[PLAN_RUN] = perform_run,
	[PLAN_STOP_RUN] = perform_stop_run,
	[PLAN_SLOT_START] = perform_slot_start,
	[PLAN_SLOT_STOP] = perform_slot_stop,
	[PLAN_GATE] = perform_gate,
	[PLAN_GATE_END] = perform_gate_end,
	[PLAN_CHECK_RECORD] = perform_check_record,
	[PLAN_READY] = perform_ready,
	[PLAN_FLIP] = perform_flip,
	[PLAN_LIVE] = perform_live,
	[PLAN_PROVE] = perform_prove,
	[PLAN_STATUS] = perform_status,
	[PLAN_RECORD] = perform_record,
	[PLAN_RECALL] = perform_recall,
	[PLAN_RETIRE] = perform_retire,
	[PLAN_QUEUE_WORKERS] = perform_queue_workers,
	[PLAN_CHECKS] = perform_checks,
	[PLAN_BAKE] = perform_bake,
	[PLAN_WATCH_DRAIN] = perform_watch_drain,
	[PLAN_DRAIN] = perform_drain,
	[PLAN_CUT] = perform_cut,
	[PLAN_STEP] = job_stepped,
	[PLAN_BACK] = job_turned_back,
	[PLAN_FAILED] = job_failing,
	[PLAN_FINISH] = perform_finish,
	[PLAN_CLOSE] = job_drained,
	[PLAN_ROLL] = roll_begin,
	[PLAN_SETTLE] = roll_settle,
	[PLAN_VERIFY_AT] = reverify_at,
	[PLAN_VERIFY] = reverify_run,
	[PLAN_SHARE] = canary_share,
	[PLAN_STAND] = canary_stand,
};

static void carry_out(struct service *s, const struct plan *plan)
{
	for (unsigned i = 0; i < plan->len; i++) {
		perform_fn *fn = actions[plan->actions[i].kind];

		assert(fn);
		fn(s, &plan->actions[i]);
	}
}

/* ---- after a slotd was killed ---- */

void service_swap_resume(struct service *s)
{
	struct plan plan;

	plan_init(&plan);
	for (int i = 0; i < SLOT_MAX_; i++) {
		retire_resume(&s->slots[i].retire, &s->policy, usec_monotonic(), &plan);
	}
	deploy_resume(&s->swap, usec_monotonic(), &plan);
	s->stepping = true; /* what follows from it waits until all of it is done */
	carry_out(s, &plan);
	s->stepping = false;
	step_all(s);
	service_settle_soon(s);
	gate_schedule(s);
}

/* ---- START, CHECK_RECORD ---- */

static void start_progress(struct service *s)
{
	enum slot_id slot = s->swap.target;
	struct slot_count count;
	char text[PLAN_TEXT_MAX];

	if (s->swap.step != SWAP_START || !slot_start_goes_on(s, slot)) {
		return;
	}
	slot_count(s, slot, &count);
	switch (slot_judge(s, &count, count.running)) {
	case GATE_PASSED:
		(void)snprintf(text, sizeof(text), "%u/%u running", count.running, count.total);
		service_feed(s, DEPLOY_EV_STARTED, 0, text);
		break;
	case GATE_HOPELESS:
		service_feed(s, DEPLOY_EV_START_FAILED, 0, gate_report(s, text, sizeof(text)));
		break;
	default:
		break;
	}
}

/* An emptied slot that was on its way out has arrived. */
static void check_stopped(struct service *s, enum slot_id slot)
{
	if (s->slots[slot].retire.state != RETIRE_NONE) {
		tell_if_empty(s, slot);
	}
}

void service_swap_process_entered(struct process *p, const struct plan_action *a)
{
	(void)a;
	if (p->service) {
		check_stopped(p->service, p->slot);
		start_progress(p->service);
	}
}

void services_shutdown(struct supervisor *sup)
{
	vec_for_each (s, &sup->services) {
		service_feed(*s, DEPLOY_EV_ABORT, -ESHUTDOWN, "slotd is shutting down");
	}
}

/* A disk may take its time, and workers may end meanwhile. */
static void checked(struct service *s)
{
	char text[PLAN_TEXT_MAX];

	if (s->swap.step == SWAP_PRECHECK || slot_is_warm(s, s->swap.target)) {
		service_feed(s, DEPLOY_EV_RECORD_OK, 0, NULL);
	} else {
		service_feed(s, DEPLOY_EV_NOT_READY, 0, gate_report(s, text, sizeof(text)));
	}
}

void service_swap_step(struct service *s, enum deploy_event_kind kind, int code, const char *text)
{
	if (kind == DEPLOY_EV_RECORD_OK) {
		checked(s);
	} else {
		service_feed(s, kind, code, text);
	}
}
