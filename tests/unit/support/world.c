#include "world.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <slotd/worker.h>

void world_init(struct world *w)
{
	*w = (struct world){
		.policy = {.startsecs = SECONDS(1),
			   .startretries = 3,
			   .autorestart = AUTORESTART_UNEXPECTED,
			   .exitcodes = {1},
			   .stopsignal = SIGTERM,
			   .stopwaitsecs = SECONDS(10)},
		.now = SECONDS(1000),
		.timer = USEC_NEVER,
		.next_pid = 100,
	};
	worker_init(&w->worker, 7);
}

static void keep_only(const struct plan *from, bool logs, struct plan *ret)
{
	plan_init(ret);
	for (unsigned i = 0; i < from->len; i++) {
		if ((from->actions[i].kind == PLAN_LOG) == logs) {
			ret->actions[ret->len++] = from->actions[i];
		}
	}
}

static const char *format(struct world *w, bool logs)
{
	struct plan part;

	keep_only(&w->plan, logs, &part);
	return plan_format(&part, w->now, w->text, sizeof(w->text));
}

/* What holds after every step, whatever happened. */
static void check_invariants(const struct world *w)
{
	const struct worker *worker = &w->worker;

	ck_assert_uint_eq(w->timer, worker->deadline);
	if (worker->pid) {
		ck_assert_msg(worker_state_info(worker->state)->alive, "%s has a pid",
			      world_state(w));
	}
	if (worker->state == WORKER_STOPPED) {
		ck_assert_uint_eq(worker->deadline, USEC_NEVER);
		ck_assert_uint_eq(worker->backoff, 0);
	}
}

static const char *step(struct world *w, const struct worker_event *ev)
{
	plan_init(&w->plan);
	worker_step(&w->worker, &(struct worker_terms){"web", &w->policy}, ev, w->now, &w->plan);
	for (unsigned i = 0; i < w->plan.len; i++) {
		ck_assert_uint_eq(w->plan.actions[i].object, 7);
		if (w->plan.actions[i].kind == PLAN_TIMER) {
			w->timer = w->plan.actions[i].at;
		}
	}
	check_invariants(w);
	return format(w, false);
}

const char *world_send(struct world *w, enum worker_event_kind kind)
{
	struct worker_event ev = {.kind = kind};

	if (kind == WORKER_EV_SPAWNED) {
		ev.pid = w->next_pid++;
	}
	if (kind == WORKER_EV_KILL_FAILED) {
		ev.status = -EPERM;
	}
	return step(w, &ev);
}

/* A process lives for a while. */
const char *world_exit(struct world *w, int code)
{
	w->now += MSECONDS(1);
	return step(w,
		    &(struct worker_event){.kind = WORKER_EV_EXIT, .status = STATUS_EXITED(code)});
}

const char *world_killed(struct world *w, int signo)
{
	w->now += MSECONDS(1);
	return step(w,
		    &(struct worker_event){.kind = WORKER_EV_EXIT, .status = STATUS_KILLED(signo)});
}

const char *world_spawn_fails(struct world *w, int error, const char *text)
{
	return step(w, &(struct worker_event){
			       .kind = WORKER_EV_SPAWN_FAILED, .status = -error, .text = text});
}

void world_start(struct world *w)
{
	world_send(w, WORKER_EV_START);
	world_send(w, WORKER_EV_SPAWNED);
	ck_assert_str_eq(world_state(w), "STARTING");
}

void world_run(struct world *w)
{
	world_start(w);
	world_advance(w, w->policy.startsecs);
	ck_assert_str_eq(world_state(w), "RUNNING");
}

const char *world_advance(struct world *w, usec_t span)
{
	usec_t until = w->now + span;
	bool fired = false;

	while (w->timer <= until) {
		w->now = w->timer;
		w->timer = USEC_NEVER;
		world_send(w, WORKER_EV_TIMER);
		fired = true;
	}
	w->now = until;
	if (!fired) {
		plan_init(&w->plan);
	}
	return format(w, false);
}

const char *world_log(struct world *w)
{
	return format(w, true);
}

const char *world_state(const struct world *w)
{
	return worker_state_info(w->worker.state)->name;
}
