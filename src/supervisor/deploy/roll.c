#include "deploy/roll.h"
#include "deploy/job_steps.h"
#include "deploy/service_swap.h"
#include "service/gate_report.h"
#include "service/handoff_ops.h"
#include "service/observers.h"
#include "service/place.h"
#include "worker/process.h"
#include "worker/process_row.h"
#include "worker/processes.h"

#include <slotd/cleanup.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool goes_on(const struct service *s)
{
	return s->swap.step == SWAP_ROLL || s->swap.step == SWAP_SETTLE;
}

/* What workers, relays and timers tell is acted on at the end of the turn: a step of a worker may
 * be what tells it. */
static void look_soon(struct service *s)
{
	if (goes_on(s)) {
		loop_idle_queue(s->sup->loop, &s->roll.idle);
	}
}

/* ---- may it begin? ---- */

/* Whoever was stopped, or has ended as it should, is left as it is, and a run at a time of
 * schedule= ends by itself. */
static bool takes_part(const struct process *p)
{
	return !p->config->program->schedule && p->worker.state != WORKER_STOPPED &&
	       p->worker.state != WORKER_EXITED && !p->removed;
}

int roll_check(struct service *s, const struct job_request *req, struct diag *diag)
{
	unsigned n = 0, served = 0;
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, service_live(s), &pos))) {
		n += takes_part(p);
		served += takes_part(p) && p->config->address;
	}
	if (n == 0) {
		return diag_set(
			diag, -EINVAL,
			"%s: no worker of slot %s runs, so there is none to restart: slotctl "
			"start %s:*",
			s->name, slot_name(service_live(s)),
			service_slot_label(s, service_live(s)));
	}
	if (served == 1 && !req->force) {
		return diag_set(
			diag, -EINVAL,
			"%s: one worker serves, and while it restarts nobody would: slotctl "
			"swap %s goes to the other slot without that; with --force, "
			"connections wait meanwhile",
			s->name, s->name);
	}
	return 0;
}

/* ---- the numbers ---- */

static bool serves(const struct process *p)
{
	return p->config->address && p->worker.state == WORKER_RUNNING && p->health.healthy;
}

/* Those that serve nobody come first: nothing is lost by them, and they may help. */
static struct process *first_waiting(const struct service *s)
{
	struct process *p, *first = NULL;
	size_t pos = 0;

	while ((p = service_next(s, s->swap.target, &pos))) {
		if (p->roll.state == ROLL_WAITING &&
		    (!first || (serves(first) && !serves(p) && p->config->address))) {
			first = p;
		}
	}
	return first;
}

static bool is_overdue(const struct process *p, usec_t now)
{
	return p->roll.state == ROLL_DRAINING && p->roll.deadline <= now;
}

static struct process *first_overdue(const struct service *s, usec_t now)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, s->swap.target, &pos)) && !is_overdue(p, now)) {
	}
	return p;
}

static void count(const struct service *s, struct roll_count *ret)
{
	const struct process *next = first_waiting(s);
	const usec_t now = usec_monotonic();
	unsigned served = 0;
	struct process *p;
	size_t pos = 0;
	int most;

	*ret = (struct roll_count){.next_serves = next && serves(next)};
	while ((p = service_next(s, s->swap.target, &pos))) {
		const enum roll_state state = p->roll.state;

		served += p->config->address && state != ROLL_NONE;
		ret->forced |= p->roll.forced;
		ret->waiting += state == ROLL_WAITING;
		ret->done += state == ROLL_DONE;
		ret->under_way += state == ROLL_DRAINING || state == ROLL_CUTTING ||
				  state == ROLL_STOPPING || state == ROLL_STARTING;
		ret->cutting += state == ROLL_CUTTING;
		ret->overdue += is_overdue(p, now);
		ret->serving += serves(p) && !roll_is_leaving(&p->roll);
	}
	most = rolling_most(s->config->rolling_max, served ? served : 1);
	ret->most = most > 0 ? (unsigned)most : 1; /* it was checked with the configuration */
}

void roll_numbers(const struct service *s, unsigned *ret_done, unsigned *ret_all)
{
	struct process *p;
	size_t pos = 0;

	*ret_done = *ret_all = 0;
	while ((p = service_next(s, service_live(s), &pos))) {
		*ret_done += p->roll.state == ROLL_DONE;
		*ret_all += p->roll.state != ROLL_NONE;
	}
}

/* ---- the actions ---- */

static void feed(struct process *p, enum roll_event_kind kind);

/* A worker that cannot be drained is not stopped either. */
static void act_failed(struct service *s, const struct process *p, int error)
{
	char text[PLAN_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s cannot be drained: %s", p->config->name,
		       strerror(-error));
	service_feed(s, DEPLOY_EV_ROLL_FAILED, error, text);
}

static void perform_drain(struct process *p, const struct plan_action *a)
{
	struct service *s = p->service;
	int r;

	(void)a;
	service_tell_workers(s); /* nothing new, before it is drained */
	service_settle_soon(s);
	service_changed(s);
	r = s->sup->handoff->drain_worker(s, p);
	if (r < 0) {
		act_failed(s, p, r);
	}
}

static void perform_cut(struct process *p, const struct plan_action *a)
{
	struct service *s = p->service;
	int r = s->sup->handoff->cut_worker(s, p, s->policy.drain_spread);

	(void)a;
	if (r < 0) {
		act_failed(s, p, r);
	}
}

static void perform_stop(struct process *p, const struct plan_action *a)
{
	const struct swap_policy *policy = &p->service->policy;

	p->service->sup->handoff->spare_worker(p->service, p);
	if (!worker_stoppable(&p->worker)) {
		return;
	}
	if (a->arg) {
		process_stop_patiently(p, usec_add(policy->drain_timeout, SECONDS(1)));
	} else {
		process_stop(p);
	}
}

static void perform_start(struct process *p, const struct plan_action *a)
{
	(void)a;
	p->service->sup->handoff->spare_worker(p->service, p);
	if (worker_state_info(p->worker.state)->startable) {
		process_start(p);
	}
}

static void perform_stays(struct process *p, const struct plan_action *a)
{
	struct service *s = p->service;

	(void)a;
	s->sup->handoff->spare_worker(s, p);
	service_tell_workers(s);
	service_settle_soon(s);
	service_changed(s);
}

static void tell_done(struct service *s, const struct process *p)
{
	char span[USEC_TEXT_MAX];
	unsigned done, all;

	roll_numbers(s, &done, &all);
	(void)usec_format(usec_sub(usec_monotonic(), p->roll.since), span, sizeof(span));
	if (s->job) {
		job_line(s->job, "    %u/%u restart  ok  %s  %s", done, all, span, p->config->name);
	}
	service_say(s, LOG_INFO, "restart: %s is done, %u of %u", p->config->name, done, all);
}

static void perform_rolled(struct process *p, const struct plan_action *a)
{
	struct service *s = p->service;
	char text[PLAN_TEXT_MAX];

	if (a->arg) {
		s->culprit = p;
		gate_explain(p, text, sizeof(text));
		service_feed(s, DEPLOY_EV_ROLL_FAILED, -EIO, text);
	} else {
		tell_done(s, p);
	}
}

typedef void perform_fn(struct process *p, const struct plan_action *a);

static perform_fn *const actions[PLAN_KIND_MAX_] = {
	[PLAN_WORKER_DRAIN] = perform_drain, [PLAN_WORKER_CUT] = perform_cut,
	[PLAN_WORKER_STOP] = perform_stop,   [PLAN_WORKER_START] = perform_start,
	[PLAN_WORKER_STAYS] = perform_stays, [PLAN_ROLLED] = perform_rolled,
};

static void feed(struct process *p, enum roll_event_kind kind)
{
	const struct service *s = p->service;
	const struct roll_terms terms = {
		.drain_timeout = s->policy.drain_timeout,
		.ready_timeout = s->policy.ready_timeout,
		.drain_by_worker = s->policy.drain_by_worker,
		.served = p->config->address,
		.running = worker_stoppable(&p->worker) && p->worker.state != WORKER_FATAL,
		.settling = s->swap.step == SWAP_SETTLE,
	};
	struct plan plan;

	plan_init(&plan);
	roll_step(&p->roll, p->worker.id, &terms, kind, usec_monotonic(), &plan);
	process_commit(p);
	for (unsigned i = 0; i < plan.len; i++) {
		assert(actions[plan.actions[i].kind]);
		actions[plan.actions[i].kind](p, &plan.actions[i]);
	}
}

/* ---- what has become of a worker ---- */

static bool is_lost(const struct process *p)
{
	const struct worker *w = &p->worker;

	return w->state == WORKER_FATAL || w->state == WORKER_UNKNOWN ||
	       (w->state == WORKER_STOPPED && p->waits == WAITS_FOR_NOTHING) ||
	       (w->state == WORKER_EXITED && w->deadline == USEC_NEVER);
}

static void look_at(struct process *p)
{
	const bool running = p->worker.state == WORKER_RUNNING;

	switch (p->roll.state) {
	case ROLL_DRAINING:
	case ROLL_CUTTING:
		if (!running) {
			feed(p, ROLL_EV_ENDED);
		}
		break;
	case ROLL_STOPPING:
		if (process_ended(p)) {
			feed(p, ROLL_EV_ENDED);
		}
		break;
	case ROLL_STARTING:
		if (running && (p->health.healthy || !p->config->address)) {
			feed(p, ROLL_EV_READY);
		} else {
			feed(p, is_lost(p) ? ROLL_EV_LOST : ROLL_EV_TIMER);
		}
		break;
	default:
		break;
	}
}

/* ---- what comes next ---- */

static void set_timer(struct service *s)
{
	usec_t next = USEC_NEVER, now = usec_monotonic();
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, s->swap.target, &pos))) {
		/* One that is overdue waits until another has been cut. */
		if (p->roll.deadline > now && p->roll.deadline < next) {
			next = p->roll.deadline;
		}
	}
	loop_timer_set(s->sup->loop, &s->roll.timer, next);
}

static void finish(struct service *s, const struct roll_count *c)
{
	char text[PLAN_TEXT_MAX], cut[64] = "";

	if (s->job && s->job->cut) {
		(void)snprintf(cut, sizeof(cut), ", %" PRIu64 " connections closed by slotd",
			       s->job->cut);
	}
	(void)snprintf(text, sizeof(text), "%u worker%s%s", c->done, c->done == 1 ? "" : "s", cut);
	service_feed(s, DEPLOY_EV_ROLLED, 0, text);
}

static void go_on(struct service *s)
{
	struct roll_count c;

	while (s->swap.step == SWAP_ROLL) {
		const usec_t now = usec_monotonic();

		count(s, &c);
		switch (rolling_next(&c)) {
		case ROLL_NEXT_TAKE:
			feed(first_waiting(s), ROLL_EV_TAKE);
			break;
		case ROLL_NEXT_CUT:
			feed(first_overdue(s, now), ROLL_EV_TIMER);
			break;
		case ROLL_NEXT_NOBODY:
			service_feed(
				s, DEPLOY_EV_ROLL_FAILED, -EIO,
				"no other worker of the slot is healthy, so nobody would serve "
				"meanwhile");
			break;
		case ROLL_NEXT_OVER:
			finish(s, &c);
			return;
		default:
			set_timer(s);
			return;
		}
	}
}

static void settle(struct service *s)
{
	struct roll_count c;

	count(s, &c);
	if (c.under_way == 0) {
		service_feed(s, DEPLOY_EV_ROLLED, 0, "");
	} else {
		set_timer(s);
	}
}

static void look(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	while (goes_on(s) && (p = service_next(s, s->swap.target, &pos))) {
		look_at(p);
	}
	if (s->swap.step == SWAP_ROLL) {
		go_on(s);
	}
	if (s->swap.step == SWAP_SETTLE) {
		settle(s);
	}
}

static void on_idle(struct loop_idle *idle)
{
	look(container_of(idle, struct service, roll.idle));
}

static void on_timer(struct loop_timer *t)
{
	look(container_of(t, struct service, roll.timer));
}

/* ---- for the others ---- */

/* After a kill of slotd somebody has a part already. */
void roll_begin(struct service *s, const struct plan_action *a)
{
	struct process *p;
	bool resumes = false;
	size_t pos = 0;

	(void)a;
	while ((p = service_next(s, s->swap.target, &pos))) {
		resumes |= p->roll.state != ROLL_NONE;
	}
	pos = 0;
	while ((p = service_next(s, s->swap.target, &pos))) {
		if (resumes) {
			feed(p, ROLL_EV_RESUME);
		} else if (takes_part(p)) {
			p->roll.state = ROLL_WAITING;
			p->roll.forced = s->roll.forced;
			process_commit(p);
		}
	}
	look_soon(s);
}

void roll_settle(struct service *s, const struct plan_action *a)
{
	struct process *p;
	size_t pos = 0;

	(void)a;
	while ((p = service_next(s, s->swap.target, &pos))) {
		feed(p, ROLL_EV_SETTLE);
		feed(p, ROLL_EV_RESUME);
	}
	look_soon(s);
}

void roll_over(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	loop_timer_stop(s->sup->loop, &s->roll.timer);
	loop_idle_cancel(s->sup->loop, &s->roll.idle);
	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		if (p->roll.state != ROLL_NONE) {
			roll_init(&p->roll);
			process_commit(p);
		}
	}
}

void roll_process_entered(struct process *p, const struct plan_action *a)
{
	(void)a;
	if (p->service && p->roll.state != ROLL_NONE) {
		look_soon(p->service);
	}
}

void roll_judged(struct service *s)
{
	look_soon(s);
}

void roll_worker_drained(struct service *s, uint32_t worker, bool cut, uint64_t n)
{
	struct process *p = worker < s->sup->processes.len ? s->sup->processes.at[worker] : NULL;

	if (!p || p->service != s || !goes_on(s)) {
		return;
	}
	if (n && s->job) {
		s->job->cut += n;
		job_changed(s->job);
	}
	feed(p, cut ? ROLL_EV_CUT : ROLL_EV_DRAINED);
	look_soon(s);
}

int roll_init_service(struct service *s)
{
	loop_timer_init(&s->roll.timer, on_timer);
	loop_idle_init(&s->roll.idle, on_idle);
	return 0;
}

void roll_stop_service(struct service *s)
{
	loop_timer_stop(s->sup->loop, &s->roll.timer);
	loop_idle_cancel(s->sup->loop, &s->roll.idle);
}
