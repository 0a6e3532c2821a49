#include "worker/waits.h"
#include "worker/observers.h"
#include "worker/process.h"
#include "worker/process_row.h"
#include "worker/processes.h"
#include "worker/starts.h"

#include <slotd/cleanup.h>

#include <stdlib.h>

/*
 * Starts that wait for an end. What there may be one of, a queue worker or a program under another
 * name, must not run twice: the new one is started when the old one has ended, and not sooner. This
 * is a state of the process, looked at again at each change.
 */

struct waits {
	struct supervisor *sup;
	unsigned n; /* processes that wait */
	struct loop_idle idle;
};

/* An old self may be any process that the reload removed: Supervisor's update, too, adds when all
 * that goes has gone. */
static const struct process *removed_one(const struct supervisor *sup)
{
	vec_for_each (p, &sup->processes) {
		if (*p && ((*p)->removed || (*p)->group->removed) && !process_ended(*p)) {
			return *p;
		}
	}
	return NULL;
}

/* Queue workers of both slots would do the same jobs; and its own former run, too, has to end. */
static const struct process *other_queue_worker(const struct process *p)
{
	if (!process_ended(p)) {
		return p;
	}
	for (size_t i = 0; p->service && i < p->sup->processes.len; i++) {
		const struct process *other = p->sup->processes.at[i];

		if (other && other->service == p->service && other->slot != p->slot &&
		    process_follows_flip(other) && !process_ended(other)) {
			return other;
		}
	}
	return NULL;
}

const struct process *process_waits_for(const struct process *p)
{
	switch (p->waits) {
	case WAITS_FOR_REMOVED:
		return removed_one(p->sup);
	case WAITS_FOR_QUEUE:
		return other_queue_worker(p);
	case WAITS_FOR_RIVAL:
		return process_rival(p);
	default:
		return NULL;
	}
}

static void go_on(struct process *p)
{
	const enum process_wait was = p->waits;

	process_wait_no_more(p);
	if (was == WAITS_FOR_REMOVED) {
		process_autostart(p); /* its slot may be idle by now */
	} else if (was == WAITS_FOR_RIVAL && p->worker.deadline != USEC_NEVER) {
		process_timer_due(p); /* it was to start by itself */
	} else if (was == WAITS_FOR_RIVAL || (p->service && p->live)) {
		process_start(p);
	}
}

static void on_idle(struct loop_idle *idle)
{
	struct waits *w = container_of(idle, struct waits, idle);
	struct supervisor *sup = w->sup;

	for (size_t i = 0; w->n && i < sup->processes.len; i++) {
		struct process *p = sup->processes.at[i];

		if (p && p->waits && !process_waits_for(p) && sup->mood == MOOD_RUNNING) {
			go_on(p);
		}
	}
}

void process_start_after(struct process *p, enum process_wait what)
{
	process_wait_no_more(p);
	p->waits = what;
	process_commit(p);
	p->sup->waits->n++;
	process_changed(p);
	waits_look_soon(p->sup);
}

/* Nothing is started past this, whoever asks for it. */
bool process_waits_for_rival(struct process *p)
{
	const struct process *rival;

	if (process_exists(p) || worker_state_info(p->worker.state)->alive) {
		return false;
	}
	rival = process_rival(p);
	if (!rival) {
		return false;
	}
	if (p->waits != WAITS_FOR_RIVAL) {
		log_line(LOG_INFO, "%s is exclusive and waits for %s to end", p->namespec,
			 rival->namespec);
		process_start_after(p, WAITS_FOR_RIVAL);
	}
	return true;
}

void process_wait_no_more(struct process *p)
{
	if (p->waits) {
		p->waits = WAITS_FOR_NOTHING;
		process_commit(p);
		p->sup->waits->n--;
		process_changed(p);
	}
}

void waits_look_soon(struct supervisor *sup)
{
	if (sup->waits->n) {
		loop_idle_queue(sup->loop, &sup->waits->idle);
	}
}

bool waits_any(const struct supervisor *sup)
{
	return sup->waits->n > 0;
}

void waits_forget(struct process *p)
{
	p->sup->waits->n -= p->waits ? 1 : 0;
	p->waits = WAITS_FOR_NOTHING;
}

int waits_init(struct supervisor *sup)
{
	struct waits *w = calloc(1, sizeof(*w));

	if (!w) {
		return -ENOMEM;
	}
	w->sup = sup;
	sup->waits = w;
	loop_idle_init(&w->idle, on_idle);
	return 0;
}

void waits_done(struct supervisor *sup)
{
	if (sup->waits) {
		loop_idle_cancel(sup->loop, &sup->waits->idle);
		free(sup->waits);
		sup->waits = NULL;
	}
}
