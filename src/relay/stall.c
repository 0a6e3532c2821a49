#include "stall.h"

#include "backlog.h"
#include "relay.h"
#include "service_facts.h"

#define KEEPS_UP MSECONDS(20) /* who leaves nothing unread for longer */

enum {
	ASK_MOST = 4, /* of one that may keep up */
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
			       usec_add(usec_monotonic(), STALL_PATIENCE));
	}
}

void stall_watch_connect(struct relay_service *s)
{
	if (s->stall_timer.at == USEC_NEVER) {
		loop_timer_set(s->relay->loop, &s->stall_timer,
			       usec_add(usec_monotonic(), STALL_PATIENCE));
	}
}

static bool leaves_unread(struct relay_worker *w, usec_t now)
{
	struct conn *c = w->n_unread ? worker_list(w, CONN_REQUEST)->head : NULL;
	unsigned asked = 0;

	for (unsigned i = 0; c && i < STALL_WALK_MOST && stall_is_due(c, KEEPS_UP, now);
	     i++, c = c->next) {
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

bool stall_is_better_elsewhere(const struct relay_worker *w, usec_t now)
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
	return worker_stalls(w, now) && stall_is_better_elsewhere(w, now);
}
