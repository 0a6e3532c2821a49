#include "relay.h"

#include <slotd/cleanup.h>

#include <string.h>

static void settle(struct loop_idle *idle);
static void on_retry(struct loop_timer *t), on_hold(struct loop_timer *t),
	on_connect(struct loop_timer *t), on_drain_a(struct loop_timer *t),
	on_drain_b(struct loop_timer *t);

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
	loop_idle_init(&s->settle, settle);
	loop_timer_init(&s->retry_timer, on_retry);
	loop_timer_init(&s->hold_timer, on_hold);
	loop_timer_init(&s->connect_timer, on_connect);
	loop_timer_init(&s->slots[SLOT_A].drain_timer, on_drain_a);
	loop_timer_init(&s->slots[SLOT_B].drain_timer, on_drain_b);
	*ret = s;
	return 0;
}

static void end_all(struct conn_list *l)
{
	while (l->head) {
		conn_end(l->head);
	}
}

static struct relay_worker *worker_free(struct relay_worker *w)
{
	struct place_table *table = &w->service->slots[w->slot].table;

	vec_for_each (at, &table->workers) {
		if (*at == &w->place) {
			vec_remove(&table->workers, (size_t)(at - table->workers.at));
			break;
		}
	}
	free(w->name);
	free(w);
	return NULL;
}

static struct relay_worker *worker_of(struct place_worker *p)
{
	return container_of(p, struct relay_worker, place);
}

static void slot_done(struct relay_service *s, struct relay_slot *slot)
{
	loop_timer_stop(s->relay->loop, &slot->drain_timer);
	while (slot->table.workers.len) {
		struct relay_worker *w = worker_of(slot->table.workers.at[0]);

		w->gone = false; /* so that it is freed here, not by its last connection */
		end_all(&w->open);
		worker_free(w);
	}
	vec_done(&slot->table.workers);
}

struct relay_service *service_free(struct relay_service *s)
{
	if (!s) {
		return NULL;
	}
	while (s->listeners.len) {
		listener_free(s->listeners.at[0]);
	}
	vec_done(&s->listeners);
	end_all(&s->fresh);
	end_all(&s->held);
	end_all(&s->queued);
	slot_done(s, &s->slots[SLOT_A]);
	slot_done(s, &s->slots[SLOT_B]);
	loop_idle_cancel(s->relay->loop, &s->settle);
	loop_timer_stop(s->relay->loop, &s->retry_timer);
	loop_timer_stop(s->relay->loop, &s->hold_timer);
	loop_timer_stop(s->relay->loop, &s->connect_timer);
	free(s->name);
	free(s);
	return NULL;
}

struct switch_word service_word(const struct relay_service *s)
{
	const struct switch_entry *entry = &s->relay->board->services[s->index];

	return switch_unpack(atomic_load_explicit(&entry->word, memory_order_acquire));
}

/* ---- holding: clients wait in the kernel's queue while nobody can take them */

bool service_gave_up(const struct relay_service *s)
{
	return s->holding_since && s->hold_timeout != USEC_NEVER &&
	       usec_add(s->holding_since, s->hold_timeout) <= usec_monotonic();
}

/* Somebody could take a connection, were it not for worker_max. */
static bool somebody_serves(const struct relay_service *s, usec_t now)
{
	const struct switch_word word = service_word(s);

	return word.mode == SWITCH_OPEN && place_any_reachable(&s->slots[word.live].table, now);
}

bool service_accepting(const struct relay_service *s)
{
	const struct switch_word word = service_word(s);

	if (!s->complete || s->relay->exhausted || s->relay->full || s->relay->yielding) {
		return false;
	}
	return service_gave_up(s) || (word.mode == SWITCH_OPEN && !s->held.head &&
				      place_any_up(&s->slots[word.live].table));
}

void service_settle_soon(struct relay_service *s)
{
	loop_idle_queue(s->relay->loop, &s->settle);
}

/* In order; the first that finds nobody stops the others, unless each waits for its own. */
static void retry_held(struct relay_service *s)
{
	struct conn *next;

	for (struct conn *c = s->held.head; c && !s->relay->exhausted; c = next) {
		next = c->next;
		if (!conn_retry(c) && s->balance != BALANCE_SOURCE) {
			break;
		}
	}
}

static void note_holding(struct relay_service *s, usec_t now)
{
	struct loop *loop = s->relay->loop;

	if (!s->complete || somebody_serves(s, now)) {
		s->holding_since = 0;
		loop_timer_stop(loop, &s->hold_timer);
		return;
	}
	if (!s->holding_since) {
		s->holding_since = now;
		loop_timer_set(loop, &s->hold_timer, usec_add(now, s->hold_timeout));
	}
	if (service_gave_up(s)) {
		end_all(&s->held);
	}
}

static void settle(struct loop_idle *idle)
{
	struct relay_service *s = container_of(idle, struct relay_service, settle);
	usec_t now;

	retry_held(s);
	now = usec_monotonic();
	note_holding(s, now);
	vec_for_each (l, &s->listeners) {
		listener_update(*l);
	}
	if (s->held.head) {
		loop_timer_set(s->relay->loop, &s->retry_timer,
			       place_retry_at(&s->slots[service_word(s).live].table, now));
	} else {
		loop_timer_stop(s->relay->loop, &s->retry_timer);
	}
}

static void on_retry(struct loop_timer *t)
{
	service_settle_soon(container_of(t, struct relay_service, retry_timer));
}

static void on_hold(struct loop_timer *t)
{
	service_settle_soon(container_of(t, struct relay_service, hold_timer));
}

/* ---- connects that take long */

static void on_connect(struct loop_timer *t)
{
	struct relay_service *s = container_of(t, struct relay_service, connect_timer);
	usec_t now = usec_monotonic();

	while (s->queued.head && usec_add(s->queued.head->since, s->connect_timeout) <= now) {
		conn_connect_expired(s->queued.head);
	}
	service_watch_connects(s);
}

void service_watch_connects(struct relay_service *s)
{
	/* The list is in the order of time, so its head is due first. One that has connected
	 * since leaves the timer to fire once in vain. */
	if (s->queued.head && s->connect_timer.at == USEC_NEVER) {
		loop_timer_set(s->relay->loop, &s->connect_timer,
			       usec_add(s->queued.head->since, s->connect_timeout));
	}
}

/* ---- workers */

const char *worker_label(const struct relay_worker *w)
{
	static char text[ADDRESS_TEXT_MAX];

	return w->name ? w->name : address_format(&w->address, text, sizeof(text));
}

static struct relay_worker *worker_find(struct relay_service *s, enum slot_id slot, uint32_t key)
{
	vec_for_each (at, &s->slots[slot].table.workers) {
		if ((*at)->key == key && !worker_of(*at)->gone) {
			return worker_of(*at);
		}
	}
	return NULL;
}

int service_worker(struct relay_service *s, enum slot_id slot, uint32_t key,
		   struct relay_worker **ret)
{
	struct relay_worker *w = worker_find(s, slot, key);

	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w) {
			return -ENOMEM;
		}
		w->service = s;
		w->slot = slot;
		w->place.key = key;
		if (vec_push(&s->slots[slot].table.workers, &w->place) < 0) {
			free(w);
			return -ENOMEM;
		}
	}
	*ret = w;
	return 0;
}

void service_worker_gone(struct relay_service *s, enum slot_id slot, uint32_t key)
{
	struct relay_worker *w = worker_find(s, slot, key);

	if (w) {
		w->place.up = false;
		w->gone = true;
		worker_released(w);
	}
}

void worker_released(struct relay_worker *w)
{
	struct relay_service *s = w->service;
	struct relay_slot *slot = &s->slots[w->slot];

	if (slot->draining && slot->n_conns == 0) {
		slot->draining = false;
		loop_timer_stop(s->relay->loop, &slot->drain_timer);
		message_send_drained(s, w->slot, slot->drain_id);
	}
	if (s->held.head) {
		service_settle_soon(s);
	}
	if (w->gone && w->n_conns == 0) {
		worker_free(w);
	}
}

/* ---- flips and drains */

static bool is_queued_on(const struct conn *c, enum slot_id slot, uint32_t key)
{
	return c->worker->slot == slot && (key == UINT32_MAX || c->worker->place.key == key);
}

/* Connections of a slot on which no byte has passed, to where new ones go. */
static void move_queued(struct relay_service *s, enum slot_id slot, uint32_t key)
{
	struct conn *last = s->queued.tail, *next;

	/* Moved ones that have to wait for their connect again come after last. */
	for (struct conn *c = s->queued.head; c; c = next) {
		next = c == last ? NULL : c->next;
		if (is_queued_on(c, slot, key)) {
			conn_move(c);
		}
	}
}

static void move_silent(struct relay_worker *w)
{
	struct conn *next;

	for (struct conn *c = w->open.head; c; c = next) {
		next = c->next;
		if (c->class == CONN_SILENT) {
			conn_move(c);
		}
	}
}

void service_flipped(struct relay_service *s)
{
	const struct switch_word word = service_word(s);
	const enum slot_id old = slot_other(word.live);
	struct relay_slot *live = &s->slots[word.live];

	live->draining = false;
	loop_timer_stop(s->relay->loop, &live->drain_timer);
	if (word.weight == 0) {
		move_queued(s, old, UINT32_MAX);
		/* From the back: a worker that is gone goes with its last connection. */
		for (size_t i = s->slots[old].table.workers.len; i > 0; i--) {
			move_silent(worker_of(s->slots[old].table.workers.at[i - 1]));
		}
	}
	atomic_store_explicit(&service_counts(s)->last_placed_old, s->slots[old].last_placed,
			      memory_order_relaxed);
	service_settle_soon(s);
}

static usec_t drain_worker(struct relay_worker *w, usec_t now)
{
	usec_t first = USEC_NEVER, again;
	struct conn *next;

	for (struct conn *c = w->open.head; c; c = next) {
		next = c->next;
		/* What the worker has ended waits for its client only: idle, whoever spoke last. */
		switch (drain_judge(w->service->drain,
				    c->worker_done ? CONN_IDLE : (enum conn_class)c->class,
				    c->since, now, &again)) {
		case DRAIN_CLOSE:
			conn_close_idle(c);
			break;
		case DRAIN_MOVE:
			conn_move(c);
			break;
		case DRAIN_LATER:
			first = again < first ? again : first;
			break;
		default:
			break;
		}
	}
	return first;
}

static void drain_slot(struct relay_service *s, struct relay_slot *slot)
{
	usec_t now = usec_monotonic(), first = USEC_NEVER;

	for (size_t i = slot->table.workers.len; i > 0 && slot->draining; i--) {
		usec_t again = drain_worker(worker_of(slot->table.workers.at[i - 1]), now);

		first = again < first ? again : first;
	}
	if (slot->draining) {
		loop_timer_set(s->relay->loop, &slot->drain_timer, first);
	}
}

void slot_spoke(struct relay_service *s, struct relay_slot *slot)
{
	if (slot_ends_requests(s, (enum slot_id)(slot - s->slots)) &&
	    slot->drain_timer.at == USEC_NEVER) {
		loop_timer_set(s->relay->loop, &slot->drain_timer,
			       usec_add(usec_monotonic(), DRAIN_SETTLE));
	}
}

static void on_drain(struct loop_timer *t, enum slot_id slot)
{
	struct relay_slot *own = container_of(t, struct relay_slot, drain_timer);
	struct relay_service *s = container_of(own - slot, struct relay_service, slots[0]);

	drain_slot(s, own);
}

static void on_drain_a(struct loop_timer *t)
{
	on_drain(t, SLOT_A);
}

static void on_drain_b(struct loop_timer *t)
{
	on_drain(t, SLOT_B);
}

void service_drain(struct relay_service *s, enum slot_id slot, uint32_t id)
{
	struct relay_slot *own = &s->slots[slot];

	if (own->n_conns == 0) {
		message_send_drained(s, slot, id);
		return;
	}
	own->draining = true;
	own->drain_id = id;
	move_queued(s, slot, UINT32_MAX);
	drain_slot(s, own);
}

static void end_queued(struct relay_service *s, enum slot_id slot, uint32_t key)
{
	struct conn *next;

	for (struct conn *c = s->queued.head; c; c = next) {
		next = c->next;
		if (is_queued_on(c, slot, key)) {
			conn_end(c);
		}
	}
}

static void cut_worker(struct relay_worker *w, bool movable)
{
	const bool gone = w->gone;

	w->gone = false; /* its last connection does not free it under our feet */
	if (movable) {
		move_silent(w);
	}
	end_all(&w->open);
	w->gone = gone;
	worker_released(w);
}

void service_cut(struct relay_service *s, enum slot_id slot, uint32_t key)
{
	struct relay_slot *own = &s->slots[slot];
	const bool movable = service_word(s).live != slot;

	if (movable) {
		move_queued(s, slot, key);
	}
	end_queued(s, slot, key);
	for (size_t i = own->table.workers.len; i > 0; i--) {
		struct relay_worker *w = worker_of(own->table.workers.at[i - 1]);

		if (key == UINT32_MAX || w->place.key == key) {
			cut_worker(w, movable);
		}
	}
}
