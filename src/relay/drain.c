#include "drain.h"

#include "conn.h"
#include "conn_close.h"
#include "conn_lists.h"
#include "conn_place.h"
#include "message_send.h"
#include "relay.h"
#include "service_facts.h"
#include "slot.h"
#include "workers.h"

#include <slotd/cleanup.h>

/*
 * What becomes of the connections of a slot, or of one worker, that new ones do not go to any more.
 * Each turn of the loop looks at TURN_BATCH of them at most, so that nobody else waits for a slot
 * with ten thousand; until its turn comes, a connection that speaks leaves by itself (carry.c).
 */

/* Nothing new is placed in the slot: what is not open yet goes to the live one. */
static bool slot_is_left(const struct relay_service *s, enum slot_id slot)
{
	const struct switch_word word = service_word(s);

	return slot != word.live && word.weight == 0;
}

/* ---- moving, a batch at a time; each returns false when the batch is used up */

typedef void conn_fn(struct conn *c);

static bool for_first(struct conn_list *l, conn_fn *fn, unsigned *batch)
{
	while (l->head && *batch) {
		(*batch)--;
		fn(l->head);
	}
	return !l->head;
}

/* Of a queue only what is there now: what must queue again comes last, in another list. */
static bool move_queued(struct relay_slot *slot, unsigned *batch)
{
	return for_first(&slot->queued, conn_move, batch);
}

/* Answered, and the worker has gone: only the client's end is missing. One that comes to that later
 * does it by itself (carry.c). */
static bool linger_halves(struct relay_worker *w, unsigned *batch)
{
	struct conn *c;

	while ((c = w->next_half) && c->since <= w->halves_until) {
		if (!*batch) {
			return false;
		}
		(*batch)--;
		w->next_half = c->next;
		if (conn_may_linger(c)) {
			conn_linger(c);
		}
	}
	w->next_half = NULL;
	return true;
}

static bool move_worker(struct relay_worker *w, bool slot_left, unsigned *batch)
{
	if (worker_is_left(w) && !for_first(worker_list(w, CONN_BETWEEN), conn_park, batch)) {
		return false;
	}
	if (!slot_left && !worker_is_left(w)) {
		return true;
	}
	return for_first(worker_list(w, CONN_SILENT), conn_move, batch) && linger_halves(w, batch);
}

/* From the back: a worker that is gone goes with its last connection. */
static bool move_workers(struct relay_slot *slot, bool left, unsigned *batch)
{
	for (size_t i = slot->table.workers.len; i > 0; i--) {
		struct relay_worker *w = worker_of(slot->table.workers.at[i - 1]);
		bool done;

		worker_use(w);
		done = move_worker(w, left, batch);
		worker_unuse(w);
		if (!done) {
			return false;
		}
	}
	return true;
}

/* ---- what is ended early while a slot drains */

/* Those of a list that have been still for a time; *ret_next is when the next one is due. */
static bool end_still(struct conn_list *l, usec_t patience, usec_t now, unsigned *batch,
		      usec_t *ret_next)
{
	while (l->head && usec_add(l->head->since, patience) <= now) {
		struct conn *c = l->head;

		if (!*batch) {
			return false;
		}
		(*batch)--;
		if (c->class == CONN_PINNED && !c->worker_last) {
			conn_change_class(c, CONN_PINNED); /* an answer is due: look again later */
		} else if (!conn_hear(c)) {
			conn_cut(c);
		}
	}
	if (l->head && usec_add(l->head->since, patience) < *ret_next) {
		*ret_next = usec_add(l->head->since, patience);
	}
	return true;
}

static bool end_early(struct relay_service *s, struct relay_slot *slot, bool all, unsigned *batch,
		      usec_t *ret_next)
{
	const usec_t now = usec_monotonic();

	for (size_t i = slot->table.workers.len; i > 0; i--) {
		struct relay_worker *w = worker_of(slot->table.workers.at[i - 1]);
		bool done;

		if (!all && !w->drain_id) {
			continue;
		}
		worker_use(w);
		done = end_still(worker_list(w, CONN_EARLY), slot_patience(s, CONN_EARLY), now,
				 batch, ret_next) &&
		       (s->drain != DRAIN_IDLE || end_still(worker_list(w, CONN_PINNED),
							    s->drain_idle, now, batch, ret_next));
		worker_unuse(w);
		if (!done) {
			return false;
		}
	}
	return true;
}

/* ---- cutting */

/* What a relay that was held up may end at once: more would come back as a crowd. */
#define CATCH_UP MSECONDS(100)

static bool is_cut(const struct cut *cut, const struct relay_worker *w)
{
	return cut->key == UINT32_MAX || w->place.key == cut->key;
}

/* Requests last: they may still end by themselves. */
static struct conn *next_to_cut(struct relay_slot *slot)
{
	static const enum conn_class order[] = {CONN_PINNED, CONN_HALF,	   CONN_EARLY,	CONN_HEAD,
						CONN_SILENT, CONN_BETWEEN, CONN_REQUEST};

	for (size_t k = 0; k < ARRAY_SIZE(order); k++) {
		vec_for_each (at, &slot->table.workers) {
			struct conn *c = worker_list(worker_of(*at), order[k])->head;

			if (c && is_cut(&slot->cut, c->worker)) {
				return c;
			}
		}
	}
	return NULL;
}

/* A worker that is cut alone gets no connections meanwhile: those that can move go to others. */
static void set_leaving(struct relay_service *s, struct relay_slot *slot, bool leaving)
{
	vec_for_each (at, &slot->table.workers) {
		if (slot->cut.key != UINT32_MAX && is_cut(&slot->cut, worker_of(*at))) {
			(*at)->leaving = leaving;
		}
	}
	service_settle_soon(s);
}

static void cut_over(struct relay_service *s, struct relay_slot *slot)
{
	const struct cut was = slot->cut;

	set_leaving(s, slot, false);
	slot->cut = (struct cut){0};
	message_send_cut(s->relay, was.id, was.n_ended);
}

static unsigned count_open(const struct relay_slot *slot)
{
	unsigned n = 0;

	vec_for_each (at, &slot->table.workers) {
		n += is_cut(&slot->cut, worker_of(*at)) ? worker_of(*at)->n_conns : 0;
	}
	return n;
}

/* When the next one is due. A relay that was held up goes on late instead of faster. */
static usec_t next_due(struct cut *cut, usec_t now)
{
	const usec_t due =
		usec_add(cut->began, spread_at(cut->spread, cut->n_ended + 1, cut->n_all));

	if (cut->spread == 0 || usec_add(due, CATCH_UP) >= now) {
		return due;
	}
	cut->began += now - CATCH_UP - due;
	return now - CATCH_UP;
}

/* Ends those whose time has come, evenly over the time they have. False: the batch is used up. */
static bool cut_some(struct relay_service *s, struct relay_slot *slot, unsigned *batch,
		     usec_t *ret_next)
{
	struct cut *cut = &slot->cut;
	const usec_t now = usec_monotonic();

	if (!cut->began) { /* what could move has moved */
		cut->began = now;
		cut->n_all = count_open(slot);
	}
	for (;;) {
		usec_t due = next_due(cut, now);
		struct conn *c = next_to_cut(slot);

		if (!c && count_open(slot) == 0) {
			cut_over(s, slot);
			return true;
		}
		if (!c || due > now) {
			*ret_next = c && due < *ret_next ? due : *ret_next;
			return true;
		}
		if (!*batch) {
			return false;
		}
		(*batch)--;
		cut->n_ended++;
		conn_cut(c);
		if (!cut->on) {
			return true; /* that was the last */
		}
	}
}

static bool has_queued(const struct relay_slot *slot)
{
	vec_for_each (at, &slot->table.workers) {
		struct relay_worker *w = worker_of(*at);

		if (is_cut(&slot->cut, w) && worker_counts(w)->queued) {
			return true;
		}
	}
	return false;
}

/* Queued ones of one worker go to another; those of a slot that still has a share have nowhere to
 * go. */
static bool cut_queued(struct relay_slot *slot, unsigned *batch)
{
	struct conn *c = slot->next_queued ? slot->next_queued : slot->queued.head;

	for (; c && has_queued(slot); c = slot->next_queued) {
		slot->next_queued = c;
		if (!*batch) {
			return false;
		}
		(*batch)--;
		slot->next_queued = c->next;
		if (c->worker->place.leaving) {
			conn_move(c);
		} else if (is_cut(&slot->cut, c->worker)) {
			slot->cut.n_ended++;
			conn_end(c);
		}
	}
	slot->next_queued = NULL;
	return true;
}

/* ---- the look at a slot */

/* False: there is more to do in the next turn. */
static bool look(struct relay_service *s, enum slot_id id, usec_t *ret_next)
{
	struct relay_slot *slot = &s->slots[id];
	const bool left = slot_is_left(s, id);
	const bool live = service_word(s).live == id; /* again: slotd is about to say so */
	unsigned batch = TURN_BATCH;
	bool moved;

	if (left && !move_queued(slot, &batch)) {
		return false;
	}
	moved = move_workers(slot, left, &batch);
	if (slot->flip_id) { /* those that are between requests are late for nothing */
		message_send_done(s->relay, slot->flip_id, 0);
		slot->flip_id = 0;
	}
	if (!moved) {
		return false;
	}
	if (!end_early(s, slot, slot->draining && !live, &batch, ret_next)) {
		return false;
	}
	if (slot->cut.on && slot->cut.key == UINT32_MAX && live) {
		cut_over(s, slot);
	}
	if (!slot->cut.on) {
		return true;
	}
	return (left || cut_queued(slot, &batch)) && cut_some(s, slot, &batch, ret_next);
}

static void workers_drained(struct relay_service *s, enum slot_id id)
{
	vec_for_each (at, &s->slots[id].table.workers) {
		struct relay_worker *w = worker_of(*at);

		if (w->drain_id && w->n_conns == 0) {
			message_send_drained(s, id, w->drain_id);
			w->drain_id = 0;
		}
	}
}

static void drained(struct relay_service *s, enum slot_id id)
{
	struct relay_slot *slot = &s->slots[id];

	if (slot->draining && slot->n_conns == 0) {
		slot->draining = false;
		message_send_drained(s, id, slot->drain_id);
	}
}

static void on_slot(struct loop_timer *t, enum slot_id id)
{
	struct relay_slot *slot = container_of(t, struct relay_slot, drain_timer);
	struct relay_service *s = container_of(slot - id, struct relay_service, slots[0]);
	usec_t next = USEC_NEVER;

	if (!look(s, id, &next)) {
		next = usec_monotonic(); /* in the next turn */
	}
	drained(s, id);
	workers_drained(s, id);
	if (slot->drain_timer.at == USEC_NEVER || next < slot->drain_timer.at) {
		loop_timer_set(s->relay->loop, &slot->drain_timer, next);
	}
}

static void on_slot_a(struct loop_timer *t)
{
	on_slot(t, SLOT_A);
}

static void on_slot_b(struct loop_timer *t)
{
	on_slot(t, SLOT_B);
}

void slot_timers_init(struct relay_service *s)
{
	loop_timer_init(&s->slots[SLOT_A].drain_timer, on_slot_a);
	loop_timer_init(&s->slots[SLOT_B].drain_timer, on_slot_b);
}

static void all_halves_again(struct relay_slot *slot)
{
	vec_for_each (at, &slot->table.workers) {
		worker_halves_again(worker_of(*at));
	}
}

/* ---- what slotd says */

/* The slot is live again: whatever was to become of its connections, they stay. */
static void keep_slot(struct relay_service *s, enum slot_id id)
{
	struct relay_slot *slot = &s->slots[id];

	slot->draining = false;
	if (slot->cut.on) {
		cut_over(s, slot);
	}
	if (slot->flip_id) {
		message_send_done(s->relay, slot->flip_id, 0);
		slot->flip_id = 0;
	}
}

void service_flipped(struct relay_service *s, uint32_t id)
{
	const struct switch_word word = service_word(s);
	const enum slot_id old = slot_other(word.live);

	keep_slot(s, word.live);
	if (s->slots[old].flip_id) {
		message_send_done(s->relay, s->slots[old].flip_id, 0);
	}
	s->slots[old].flip_id = id;
	atomic_store_explicit(&service_counts(s)->last_placed_old, s->slots[old].last_placed,
			      memory_order_relaxed);
	all_halves_again(&s->slots[old]);
	on_slot(&s->slots[old].drain_timer, old);
	if (word.mode == SWITCH_OFFLINE) {
		slot_look_soon(s, word.live); /* what waits between requests is answered here */
	}
	service_settle_soon(s);
}

void service_drain(struct relay_service *s, enum slot_id slot, uint32_t id)
{
	struct relay_slot *own = &s->slots[slot];

	own->draining = true;
	own->drain_id = id;
	all_halves_again(own);
	on_slot(&own->drain_timer, slot);
}

void service_drain_worker(struct relay_service *s, enum slot_id slot, uint32_t key, uint32_t id)
{
	struct relay_worker *w = service_find_worker(s, slot, key);

	if (!w) {
		message_send_drained(s, slot, id);
		return;
	}
	w->drain_id = id;
	worker_halves_again(w);
	on_slot(&s->slots[slot].drain_timer, slot);
}

void worker_stays(struct relay_worker *w)
{
	struct relay_slot *slot = &w->service->slots[w->slot];

	w->drain_id = 0;
	if (slot->cut.on && slot->cut.key == w->place.key) {
		cut_over(w->service, slot);
	}
}

void service_cut(struct relay_service *s, enum slot_id slot, uint32_t key, usec_t spread,
		 uint32_t id)
{
	struct relay_slot *own = &s->slots[slot];

	if (own->cut.on) {
		cut_over(s, own);
	}
	own->cut = (struct cut){
		.on = true,
		.id = id,
		.key = key,
		.spread = spread,
	};
	own->next_queued = NULL;
	set_leaving(s, own, true);
	all_halves_again(own);
	on_slot(&own->drain_timer, slot);
}
