#include "deploy/service_swap.h"
#include "deploy/job_steps.h"
#include "deploy/jobs.h"
#include "deploy/prepare.h"
#include "deploy/records.h"
#include "service/gate.h"
#include "service/handoff_ops.h"
#include "service/observers.h"
#include "service/place.h"
#include "service/service.h"
#include "service/slots.h"
#include "worker/process.h"
#include "worker/processes.h"

#include <slotd/cleanup.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void carry_out(struct service *s, const struct plan *plan);
static void start_progress(struct service *s);

/* ---- feeding ---- */

static void step_all(struct service *s)
{
	struct plan plan;

	if (s->stepping) {
		return; /* the caller below on the stack goes on with it */
	}
	s->stepping = true;
	while (s->n_events) {
		struct service_event e = s->events[0];

		s->n_events--;
		memmove(s->events, s->events + 1, s->n_events * sizeof(e));
		e.event.text = e.text;
		plan_init(&plan);
		swap_step(&s->swap, &e.event, usec_monotonic(), &plan);
		carry_out(s, &plan);
	}
	s->stepping = false;
	service_write_ledger(s);
	service_changed(s);
}

/* Each worker of a slot may bring the same event while one plan is carried out: once is enough. */
static bool is_queued(const struct service *s, enum swap_event_kind kind)
{
	for (unsigned i = 0; i < s->n_events; i++) {
		if (s->events[i].event.kind == kind) {
			return true;
		}
	}
	return false;
}

static void push(struct service *s, const struct swap_event *ev)
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

void service_feed(struct service *s, enum swap_event_kind kind, int code, const char *text)
{
	push(s, &(struct swap_event){.kind = kind, .code = code, .text = text});
}

void service_begin(struct service *s, enum swap_kind kind, bool warm, bool draining)
{
	enum slot_id target = slot_other(service_live(s));

	if (warm) {
		service_retire(s, target, RETIRE_EV_RECALL);
	}
	push(s, &(struct swap_event){.kind = SWAP_EV_BEGIN,
				     .what = kind,
				     .warm = warm,
				     .draining = draining,
				     .touched = s->slots[target].touched});
}

static void say_drained(struct service *s, enum slot_id slot, uint64_t n_cut)
{
	char text[64] = "";

	if (n_cut) {
		(void)snprintf(text, sizeof(text), "%" PRIu64 " cut after %s", n_cut,
			       "drain_timeout");
		service_say(s, LOG_WARNING,
			    "slot %s has drained; %" PRIu64
			    " connections that did not end by themselves were ended",
			    slot_name(slot), n_cut);
	}
	job_drained(s, text);
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
	if (r->state != RETIRE_DRAINING && r->state != RETIRE_CUTTING) {
		say_drained(s, slot,
			    from == RETIRE_CUTTING && kind == RETIRE_EV_CUT ? s->slots[slot].n_cut
									    : 0);
		if (slot == s->swap.target) {
			service_feed(s, SWAP_EV_VACANT, 0, "the slot has drained");
		}
	}
}

/* ---- timers ---- */

static void on_swap_timer(struct loop_timer *t)
{
	struct service *s = container_of(t, struct service, swap_timer);
	char text[PLAN_TEXT_MAX], span[USEC_TEXT_MAX];

	switch (s->swap.step) {
	case SWAP_PREPARE:
		(void)snprintf(text, sizeof(text), "prepare took longer than prepare_timeout, %s",
			       usec_format(s->policy.prepare_timeout, span, sizeof(span)));
		break;
	case SWAP_START:
	case SWAP_GATE:
		(void)gate_report(s, text, sizeof(text));
		break;
	default:
		text[0] = '\0';
	}
	service_feed(s, SWAP_EV_TIMER, 0, text);
}

static void on_slot_timer(struct loop_timer *t)
{
	struct service_slot *slot = container_of(t, struct service_slot, timer);

	service_retire(container_of(slot - slot->retire.slot, struct service, slots[0]),
		       slot->retire.slot, RETIRE_EV_TIMER);
}

void service_swap_init(struct service *s, enum slot_id live)
{
	swap_init(&s->swap, s->index, &s->policy, live);
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
	if (s->job) {
		(void)snprintf(slot->release, sizeof(slot->release), "%s", job_release(s->job));
	}
	records_write_state(s->sup);
}

static void perform_prepare(struct service *s, const struct plan_action *a)
{
	(void)a;
	prepare_start(s);
}

static void perform_stop_prepare(struct service *s, const struct plan_action *a)
{
	(void)a;
	prepare_stop(s);
}

static void perform_slot_start(struct service *s, const struct plan_action *a)
{
	service_retire(s, (enum slot_id)a->slot, RETIRE_EV_RECALL);
	slot_start(s, (enum slot_id)a->slot, a->arg);
	start_progress(s);
}

/* Until the drain is over, whatever stopwaitsecs says: so long a worker may take to end well. */
static usec_t drain_patience(const struct service *s)
{
	return usec_add(usec_add(s->policy.drain_timeout, s->policy.drain_spread), SECONDS(1));
}

static void perform_slot_stop(struct service *s, const struct plan_action *a)
{
	struct slot_count count;

	slot_stop(s, (enum slot_id)a->slot, a->arg ? drain_patience(s) : 0);
	slot_count(s, (enum slot_id)a->slot, &count);
	if (count.alive == 0) {
		service_retire(s, (enum slot_id)a->slot, RETIRE_EV_STOPPED);
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

static void perform_flip(struct service *s, const struct plan_action *a)
{
	service_flip(s, (enum slot_id)a->slot);
}

static void set_live_workers(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		process_set_live(p, p->slot == service_live(s));
	}
}

/* The flip is done: what is live is written down, and the old slot begins to retire. */
static void perform_record(struct service *s, const struct plan_action *a)
{
	enum slot_id old = slot_other((enum slot_id)a->slot);

	s->slots[0].since = s->slots[1].since = usec_wall();
	s->slots[0].proven = s->slots[1].proven = true;
	s->slots[a->slot].touched = false;
	set_live_workers(s);
	service_lives(s);
	records_write(s);
	service_retire(s, (enum slot_id)a->slot, RETIRE_EV_RECALL);
	service_retire(s, old, RETIRE_EV_BEGIN);
	slots_exchange_queue_workers(s);
	gate_schedule(s);
	service_settle_soon(s);
	service_say(s, LOG_NOTICE, "new connections go to slot %s, %s drains",
		    slot_name((enum slot_id)a->slot), slot_name(old));
}

static void perform_drain(struct service *s, const struct plan_action *a)
{
	s->sup->handoff->drain(s, (enum slot_id)a->slot);
}

static void perform_cut(struct service *s, const struct plan_action *a)
{
	s->sup->handoff->cut(s, (enum slot_id)a->slot, a->arg ? 0 : s->policy.drain_spread);
}

static void perform_finish(struct service *s, const struct plan_action *a)
{
	/* A warm slot that was recalled for a flip that failed goes on as it was. */
	if (a->arg != SWAP_EXIT_DONE && s->swap.warm && a->slot != (int)service_live(s)) {
		service_retire(s, (enum slot_id)a->slot, RETIRE_EV_BEGIN);
	}
	service_ended(s, a);
	job_finished(s, a);
}

static perform_fn *const actions[PLAN_KIND_MAX_] = {
	[PLAN_TIMER] = perform_timer,
	[PLAN_LOG] = perform_log,
	[PLAN_TOUCH] = perform_touch,
	[PLAN_PREPARE] = perform_prepare,
	[PLAN_STOP_PREPARE] = perform_stop_prepare,
	[PLAN_SLOT_START] = perform_slot_start,
	[PLAN_SLOT_STOP] = perform_slot_stop,
	[PLAN_GATE] = perform_gate,
	[PLAN_GATE_END] = perform_gate_end,
	[PLAN_CHECK_RECORD] = perform_check_record,
	[PLAN_FLIP] = perform_flip,
	[PLAN_RECORD] = perform_record,
	[PLAN_DRAIN] = perform_drain,
	[PLAN_CUT] = perform_cut,
	[PLAN_STEP] = job_stepped,
	[PLAN_FINISH] = perform_finish,
};

static void carry_out(struct service *s, const struct plan *plan)
{
	for (unsigned i = 0; i < plan->len; i++) {
		perform_fn *fn = actions[plan->actions[i].kind];

		assert(fn);
		fn(s, &plan->actions[i]);
	}
}

/* ---- START, CHECK_RECORD ---- */

static void start_progress(struct service *s)
{
	enum slot_id slot = s->swap.target;
	struct gate_policy p = s->gate_policy;
	struct slot_count count;
	char text[PLAN_TEXT_MAX];

	if (s->swap.step != SWAP_START || !slot_start_goes_on(s, slot)) {
		return;
	}
	slot_count(s, slot, &count);
	p.total = count.total;
	p.min_ready = (unsigned)gate_min_ready(s->config->min_ready, count.total);
	switch (gate_judge(&p, &(struct gate_count){count.running, count.lost})) {
	case GATE_PASSED:
		(void)snprintf(text, sizeof(text), "%u/%u running", count.running, count.total);
		service_feed(s, SWAP_EV_STARTED, 0, text);
		break;
	case GATE_HOPELESS:
		service_feed(s, SWAP_EV_START_FAILED, 0, gate_report(s, text, sizeof(text)));
		break;
	default:
		break;
	}
}

/* An emptied slot that was on its way out has arrived. */
static void check_stopped(struct service *s, enum slot_id slot)
{
	struct slot_count count;

	if (s->slots[slot].retire.state == RETIRE_NONE) {
		return;
	}
	slot_count(s, slot, &count);
	if (count.alive == 0) {
		service_retire(s, slot, RETIRE_EV_STOPPED);
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
		service_feed(*s, SWAP_EV_ABORT, 0, "slotd is shutting down");
	}
}

/* A disk may take its time, and workers may end meanwhile. */
static void checked(struct service *s)
{
	char text[PLAN_TEXT_MAX];

	if (s->swap.step == SWAP_PRECHECK || slot_is_warm(s, s->swap.target)) {
		service_feed(s, SWAP_EV_RECORD_OK, 0, NULL);
	} else {
		service_feed(s, SWAP_EV_NOT_READY, 0, gate_report(s, text, sizeof(text)));
	}
}

void service_swap_step(struct service *s, enum swap_event_kind kind, int code, const char *text)
{
	if (kind == SWAP_EV_RECORD_OK) {
		checked(s);
	} else {
		service_feed(s, kind, code, text);
	}
}
