#include "service.h"

#include "canary.h"
#include "client_limits.h"
#include "conn_close.h"
#include "conn_place.h"
#include "drain.h"
#include "listener.h"
#include "page.h"
#include "relay.h"
#include "service_facts.h"
#include "stall_look.h"
#include "workers.h"

#include <slotd/cleanup.h>

#include <limits.h>
#include <string.h>

static void settle(struct loop_idle *idle);
static void on_retry(struct loop_timer *t), on_hold(struct loop_timer *t),
	on_end(struct loop_timer *t);

int service_new(struct relay *relay, uint32_t index, const char *name, struct relay_service **ret)
{
	auto_free char *own_name = strdup(name);
	struct relay_service *s = calloc(1, sizeof(*s));

	if (!s || !own_name) {
		free(s);
		return -ENOMEM;
	}
	s->relay = relay;
	s->index = index;
	s->name = TAKE_PTR(own_name);
	s->hold_timeout = USEC_NEVER;
	s->canary_turn = relay->index << 16; /* relays do not go in step */
	loop_idle_init(&s->settle, settle);
	loop_timer_init(&s->retry_timer, on_retry);
	loop_timer_init(&s->hold_timer, on_hold);
	loop_timer_init(&s->connect_timer, on_connect_timer);
	loop_timer_init(&s->limit_timer, on_limit);
	loop_timer_init(&s->end_timer, on_end);
	loop_timer_init(&s->stall_timer, on_stall);
	slot_timers_init(s);
	*ret = s;
	return 0;
}

/* At most batch of them; what is left of the batch. */
static unsigned end_some(struct conn_list *l, unsigned batch)
{
	while (l->head && batch) {
		batch--;
		conn_end(l->head);
	}
	return batch;
}

static unsigned end_worker(struct relay_worker *w, unsigned batch)
{
	worker_use(w);
	for (size_t k = 0; k < CONN_OPEN_CLASSES; k++) {
		batch = end_some(&w->open[k], batch);
	}
	worker_unuse(w);
	return batch;
}

static unsigned end_slot(struct relay_slot *slot, unsigned batch)
{
	batch = end_some(&slot->queued, batch);
	for (size_t i = slot->table.workers.len; i > 0 && batch; i--) {
		batch = end_worker(worker_of(slot->table.workers.at[i - 1]), batch);
	}
	return batch;
}

/* Its connections, at most batch of them. */
static unsigned end_conns(struct relay_service *s, unsigned batch)
{
	for (int k = 0; k < CONN_UNPLACED_CLASSES; k++) {
		batch = end_some(&s->unplaced[k], batch);
	}
	batch = end_slot(&s->slots[SLOT_A], batch);
	return end_slot(&s->slots[SLOT_B], batch);
}

int service_want_preview(struct relay_service *s, bool want)
{
	int r = 0;

	if (want && !s->preview) {
		r = service_new(s->relay, s->index, s->name, &s->preview);
		if (r == 0) {
			s->preview->is_preview = true;
		}
	} else if (!want && s->preview) {
		service_end(TAKE_PTR(s->preview));
	}
	return r;
}

static void slot_done(struct relay_service *s, struct relay_slot *slot)
{
	loop_timer_stop(s->relay->loop, &slot->drain_timer);
	while (slot->table.workers.len) {
		worker_free(worker_of(slot->table.workers.at[0]));
	}
	vec_done(&slot->table.workers);
}

struct relay_service *service_free(struct relay_service *s)
{
	if (!s) {
		return NULL;
	}
	s->ending = true;
	s->preview = service_free(s->preview);
	service_close_listeners(s);
	(void)end_conns(s, UINT_MAX);
	slot_done(s, &s->slots[SLOT_A]);
	slot_done(s, &s->slots[SLOT_B]);
	loop_idle_cancel(s->relay->loop, &s->settle);
	loop_timer_stop(s->relay->loop, &s->retry_timer);
	loop_timer_stop(s->relay->loop, &s->hold_timer);
	loop_timer_stop(s->relay->loop, &s->connect_timer);
	loop_timer_stop(s->relay->loop, &s->limit_timer);
	loop_timer_stop(s->relay->loop, &s->end_timer);
	loop_timer_stop(s->relay->loop, &s->stall_timer);
	page_unref(s->page);
	free(s->health_paths);
	canary_done(s);
	free(s->name);
	free(s);
	return NULL;
}

static void forget_ending(struct relay_service *s)
{
	struct relay *relay = s->relay;

	vec_for_each (at, &relay->ending) {
		if (*at == s) {
			vec_remove(&relay->ending, (size_t)(at - relay->ending.at));
			break;
		}
	}
}

static void on_end(struct loop_timer *t)
{
	struct relay_service *s = container_of(t, struct relay_service, end_timer);

	if (end_conns(s, TURN_BATCH) > 0) {
		forget_ending(s);
		service_free(s);
	} else {
		loop_timer_set(s->relay->loop, t, usec_monotonic());
	}
}

void service_end(struct relay_service *s)
{
	struct relay *relay = s->relay;

	if (!s->is_preview) {
		relay->services[s->index] = NULL;
		(void)service_want_preview(s, false);
	}
	service_close_listeners(s);
	s->ending = true;
	if (vec_push(&relay->ending, s) < 0) {
		service_free(s); /* no memory to do it bit by bit */
	} else {
		loop_timer_set(relay->loop, &s->end_timer, usec_monotonic());
	}
}

/* ---- holding: clients wait in the kernel's queue while nobody can take them */

/* Somebody could take a connection, were it not for worker_max. */
static bool somebody_serves(const struct relay_service *s, usec_t now)
{
	const struct switch_word word = service_word(s);

	return word.mode == SWITCH_OPEN && place_any_reachable(&s->slots[word.live].table, now);
}

static struct conn *held_head(const struct relay_service *s)
{
	return s->unplaced[CONN_HELD].head;
}

/* Could any held connection be placed? */
static bool has_room(const struct relay_service *s)
{
	const struct switch_word word = service_word(s);
	const usec_t now = usec_monotonic();

	return word.mode == SWITCH_OPEN && s->complete && !s->relay->exhausted &&
	       (place_any_room(&s->slots[word.live].table, now) ||
		(word.weight && place_any_room(&s->slots[slot_other(word.live)].table, now)));
}

/* In order; the first that finds nobody stops the others, unless each waits for its own. What was
 * tried in vain uses up the batch too, and the next turn goes on behind it. False: there are more
 * to try, in the next turn. */
static bool retry_held(struct relay_service *s)
{
	struct conn *c = s->next_held;

	if (!c) {
		c = held_head(s);
		s->held_news = false;
	}
	for (unsigned batch = TURN_BATCH; c && has_room(s); batch--) {
		s->next_held = batch ? c->next : c;
		if (!batch) {
			return false;
		}
		if (!conn_retry(c) && s->balance != BALANCE_SOURCE) {
			break;
		}
		c = s->next_held;
	}
	s->next_held = NULL;
	return !s->held_news || !has_room(s);
}

/* Otherwise it answers, and nobody need wait for hold_timeout first. */
static bool waits_for_workers(const struct relay_service *s)
{
	return s->is_preview ? !service_answers(s) : service_word(s).mode != SWITCH_OFFLINE;
}

static void note_holding(struct relay_service *s, usec_t now)
{
	struct loop *loop = s->relay->loop;

	if (!s->complete || !waits_for_workers(s) || somebody_serves(s, now)) {
		s->holding_since = 0;
		loop_timer_stop(loop, &s->hold_timer);
		return;
	}
	if (!s->holding_since) {
		s->holding_since = now;
		loop_timer_set(loop, &s->hold_timer, usec_add(now, s->hold_timeout));
	}
}

/* Those that need wait no longer: they are answered here, or ended, because nobody has come for
 * hold_timeout. False: there are more. */
static bool give_up_held(struct relay_service *s)
{
	unsigned batch = TURN_BATCH;

	for (; service_answers(s) && held_head(s); batch--) {
		if (!batch) {
			return false;
		}
		conn_answer(held_head(s));
	}
	return !service_gave_up(s) || end_some(&s->unplaced[CONN_HELD], batch) > 0;
}

/* With connect=early only those have no worker that came while nobody could have one: whoever
 * waits for the server to speak first gets one now. False: there are more. */
static bool place_fresh(struct relay_service *s)
{
	struct conn_list *fresh = &s->unplaced[CONN_FRESH];

	for (unsigned batch = TURN_BATCH;
	     fresh->head && s->connect == CONNECT_EARLY && s->complete && !service_answers(s);
	     batch--) {
		if (!batch) {
			return false;
		}
		conn_place_first(fresh->head, 0);
	}
	return true;
}

static void settle(struct loop_idle *idle)
{
	struct relay_service *s = container_of(idle, struct relay_service, settle);
	bool done = retry_held(s);
	const usec_t now = usec_monotonic();

	if (s->ending) {
		return;
	}
	note_holding(s, now);
	done = give_up_held(s) && done;
	done = place_fresh(s) && done;
	vec_for_each (l, &s->listeners) {
		listener_update(*l);
	}
	if (done && !held_head(s)) {
		loop_timer_stop(s->relay->loop, &s->retry_timer);
	} else {
		loop_timer_set(s->relay->loop, &s->retry_timer,
			       done ? place_retry_at(&s->slots[service_word(s).live].table, now)
				    : now);
	}
}

static void on_retry(struct loop_timer *t)
{
	struct relay_service *s = container_of(t, struct relay_service, retry_timer);

	loop_idle_queue(s->relay->loop, &s->settle);
}

static void on_hold(struct loop_timer *t)
{
	service_settle_soon(container_of(t, struct relay_service, hold_timer));
}
