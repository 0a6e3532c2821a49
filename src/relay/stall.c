#include "relay.h"

#include <slotd/cleanup.h>

/*
 * What was sent to a worker that was stopped, hangs, or is busy for long, goes to another one: a
 * request that has lain unread for a while, as far as retry= allows, and a connection that has no
 * room in its queue. Only a request that may be executed twice: who accepts a connection later
 * finds the request in it, even if that was reset meanwhile (Linux).
 *
 * Where every worker has more than it can do, all of them leave something unread, and moving would
 * only add to their work: so it needs one that keeps up.
 */

#define PATIENCE   MSECONDS(100) /* with what was sent */
#define LOOK_EVERY MSECONDS(50)	 /* while something waits */
#define KEEPS_UP   MSECONDS(20)	 /* who leaves nothing unread for longer */

enum {
	WALK_MOST = 1024, /* connections of a worker, from the newest */
	ASK_MOST = 4,	  /* of one that may keep up */
};

struct view {
	usec_t now;
	unsigned batch; /* questions to the kernel */
	bool waits;	/* something should be looked at again */
};

void stall_watch(struct conn *c)
{
	struct relay_service *s = c->service;

	if (!c->unread) {
		c->unread = true;
		c->worker->n_unread++;
	}
	if (s->stall_timer.at == USEC_NEVER) {
		loop_timer_set(s->relay->loop, &s->stall_timer,
			       usec_add(usec_monotonic(), PATIENCE));
	}
}

void stall_watch_connect(struct relay_service *s)
{
	if (s->stall_timer.at == USEC_NEVER) {
		loop_timer_set(s->relay->loop, &s->stall_timer,
			       usec_add(usec_monotonic(), PATIENCE));
	}
}

static bool is_due(const struct conn *c, usec_t patience, usec_t now)
{
	return usec_add(c->since, patience) <= now;
}

/* ---- is there a better one? */

static bool leaves_unread(struct relay_worker *w, usec_t now)
{
	struct conn *c = w->n_unread ? worker_list(w, CONN_REQUEST)->head : NULL;
	unsigned asked = 0;

	for (unsigned i = 0; c && i < WALK_MOST && is_due(c, KEEPS_UP, now); i++, c = c->next) {
		if (!c->unread) {
			continue;
		}
		if (conn_lies_unread(c)) {
			return true;
		}
		stall_forget(c);
		if (++asked == ASK_MOST) {
			return false;
		}
	}
	return false;
}

static bool slot_has_better(struct relay_slot *slot, const struct relay_worker *than, usec_t now)
{
	vec_for_each (at, &slot->table.workers) {
		struct relay_worker *w = worker_of(*at);

		if (w != than && place_keeps_up(&w->place, now) && !worker_stalls(w, now) &&
		    !leaves_unread(w, now)) {
			return true;
		}
	}
	return false;
}

static bool is_better_elsewhere(const struct relay_worker *w, usec_t now)
{
	struct relay_service *s = w->service;
	const struct switch_word word = service_word(s);

	return word.mode == SWITCH_OPEN &&
	       (slot_has_better(&s->slots[word.live], w, now) ||
		(word.weight && slot_has_better(&s->slots[slot_other(word.live)], w, now)));
}

bool worker_is_shunned(struct relay_worker *w)
{
	usec_t now;

	if (!w->place.slow_until) {
		return false;
	}
	now = usec_monotonic();
	return worker_stalls(w, now) && is_better_elsewhere(w, now);
}

/* ---- the look */

static void report(struct relay_worker *w, usec_t now)
{
	if (log_once(&w->stalled, now, NULL)) {
		log_line(LOG_INFO,
			 "%s: it has read nothing of a request for 100 ms; where retry= allows "
			 "that, its clients go to other workers",
			 worker_label(w));
	}
}

/* Does what was sent on it still lie unread? Otherwise it need not be looked at any more. */
static bool is_stuck(struct conn *c, struct view *v)
{
	if (!exchange_may_retry(c, false) || c->exchange->moved) {
		stall_forget(c);
		return false;
	}
	v->batch--;
	if (!conn_lies_unread(c)) {
		stall_forget(c);
		return false;
	}
	return true;
}

/* The newest first: of these nobody knows yet whether they were read. */
static void look_at_worker(struct relay_worker *w, struct view *v)
{
	struct conn *c = w->n_unread ? worker_list(w, CONN_REQUEST)->tail : NULL, *before;
	bool better = false;

	for (unsigned i = 0; c && i < WALK_MOST && v->batch; i++, c = before) {
		before = c->prev;
		if (!c->unread) {
			continue;
		}
		if (!is_due(c, PATIENCE, v->now)) {
			v->waits = true;
			continue;
		}
		if (!is_stuck(c, v)) {
			continue;
		}
		better = better || is_better_elsewhere(w, v->now);
		if (!better) {
			v->waits = true;
			return;
		}
		worker_pass_by(w, v->now);
		report(w, v->now);
		conn_take_back(c);
	}
}

/* Nothing was sent on them. */
static void look_at_queued(struct relay_slot *slot, struct view *v)
{
	struct conn *c = slot->queued.head, *next;

	for (; c && v->batch; c = next) {
		struct relay_worker *w = c->worker;

		next = c->next;
		v->waits = true;
		if (!is_due(c, PATIENCE, v->now)) {
			return;
		}
		v->batch--;
		if (backlog_at(w->service->relay->diag_fd, &w->address)) {
			worker_pass_by(w, v->now);
			if (is_better_elsewhere(w, v->now)) {
				conn_connect_expired(c);
			}
		}
	}
}

static void look_at_slot(struct relay_slot *slot, struct view *v)
{
	/* From the back: a worker that is gone goes with its last connection. */
	for (size_t i = slot->table.workers.len; i > 0; i--) {
		struct relay_worker *w = worker_of(slot->table.workers.at[i - 1]);

		worker_use(w);
		look_at_worker(w, v);
		worker_unuse(w);
	}
	look_at_queued(slot, v);
}

void on_stall(struct loop_timer *t)
{
	struct relay_service *s = container_of(t, struct relay_service, stall_timer);
	struct view v = {.now = usec_monotonic(), .batch = TURN_BATCH};

	look_at_slot(&s->slots[SLOT_A], &v);
	look_at_slot(&s->slots[SLOT_B], &v);
	if (!v.batch || v.waits) {
		loop_timer_set(s->relay->loop, t, v.batch ? usec_add(v.now, LOOK_EVERY) : v.now);
	}
}
