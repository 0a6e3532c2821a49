#include "stall_look.h"

#include "backlog.h"
#include "carry.h"
#include "conn_place.h"
#include "exchange.h"
#include "relay.h"
#include "stall.h"
#include "workers.h"

/*
 * What was sent to a worker that was stopped, hangs, or is busy for long, goes to another one: a
 * request that has lain unread for a while, as far as retry= allows, and a connection that has no
 * room in its queue. Only a request that may be executed twice: who accepts a connection later
 * finds the request in it, even if that was reset meanwhile (Linux).
 *
 * Where every worker has more than it can do, all of them leave something unread, and moving would
 * only add to their work: so it needs one that keeps up.
 */

#define LOOK_EVERY MSECONDS(50) /* while something waits */

struct view {
	usec_t now;
	unsigned batch; /* questions to the kernel */
	bool waits;	/* something should be looked at again */
};

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

	for (unsigned i = 0; c && i < STALL_WALK_MOST && v->batch; i++, c = before) {
		before = c->prev;
		if (!c->unread) {
			continue;
		}
		if (!stall_is_due(c, STALL_PATIENCE, v->now)) {
			v->waits = true;
			continue;
		}
		if (!is_stuck(c, v)) {
			continue;
		}
		better = better || stall_is_better_elsewhere(w, v->now);
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
		if (!stall_is_due(c, STALL_PATIENCE, v->now)) {
			return;
		}
		v->batch--;
		if (backlog_at(w->service->relay->diag_fd, &w->address)) {
			worker_pass_by(w, v->now);
			if (stall_is_better_elsewhere(w, v->now)) {
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
