#include "conn_lists.h"

#include "relay.h"
#include "slot.h"
#include "stall.h"

/* The list that it is in. */
static struct conn_list *list_of(const struct conn *c)
{
	if (!c->worker) {
		return &c->service->unplaced[c->class];
	}
	return c->class == CONN_QUEUED ? &c->service->slots[c->worker->slot].queued
				       : worker_list(c->worker, (enum conn_class)c->class);
}

static void list_append(struct conn_list *l, struct conn *c)
{
	c->prev = l->tail;
	c->next = NULL;
	*(l->tail ? &l->tail->next : &l->head) = c;
	l->tail = c;
}

static void list_prepend(struct conn_list *l, struct conn *c)
{
	c->prev = NULL;
	c->next = l->head;
	*(l->head ? &l->head->prev : &l->tail) = c;
	l->head = c;
}

static void list_remove(struct conn_list *l, struct conn *c)
{
	*(c->prev ? &c->prev->next : &l->head) = c->next;
	*(c->next ? &c->next->prev : &l->tail) = c->prev;
}

static void count_unplaced(const struct conn *c, uint32_t n)
{
	struct relay_service_counts *counts = service_counts(c->service);

	count_add32(&counts->waiting, n);
	if (c->class == CONN_HELD) {
		count_add32(&counts->held, n);
	}
}

static inline void count_silent(const struct conn *c, int n)
{
	struct relay *relay = c->service->relay;

	if (class_gives_way((enum conn_class)c->class)) {
		const bool empty = class_is_empty((enum conn_class)c->class);

		relay->n_silent += (uint32_t)n;
		relay->n_empty += empty ? (uint32_t)n : 0;
		*(empty ? &relay->empty[c->source] : &relay->idle[c->source]) += (uint32_t)n;
	}
}

/* Whoever goes through the list bit by bit goes on behind it. */
static void pass_cursors(const struct conn *c, struct relay_worker *w)
{
	struct relay_slot *slot = &w->service->slots[w->slot];

	if (w->next_half == c) {
		w->next_half = c->next;
	}
	if (slot->next_queued == c) {
		slot->next_queued = c->next;
	}
}

static void watch_time(struct conn *c)
{
	struct relay_service *s = c->service;
	usec_t at = usec_add(c->since, class_limit((enum conn_class)c->class, &s->limits));

	if (at < s->limit_timer.at) {
		loop_timer_set(s->relay->loop, &s->limit_timer, at);
	}
	if (c->worker) {
		slot_watch(c);
	}
}

void conn_leave(struct conn *c)
{
	struct relay_worker *w = c->worker;

	list_remove(list_of(c), c);
	count_silent(c, -1);
	if (!w) {
		if (c->service->next_held == c) {
			c->service->next_held = c->next;
		}
		count_unplaced(c, (uint32_t)-1);
		return;
	}
	pass_cursors(c, w);
	w->n_unheard -= c->unheard ? 1 : 0;
	c->unheard = false;
	stall_forget(c);
	count_move(worker_counts(w), (enum conn_class)c->class, CONN_FRESH);
	w->place.open -= c->worker_done ? 0 : 1;
	w->n_conns--;
	w->service->slots[w->slot].n_conns--;
}

void conn_enter(struct conn *c, struct relay_worker *w, enum conn_class class)
{
	c->worker = w;
	c->class = (uint8_t) class;
	c->since = usec_monotonic();
	if (!w) {
		count_unplaced(c, 1);
	} else {
		count_move(worker_counts(w), CONN_FRESH, class);
		w->place.open++;
		w->n_conns++;
		w->service->slots[w->slot].n_conns++;
	}
	count_silent(c, 1);
	list_append(list_of(c), c);
	watch_time(c);
}

void conn_change_class(struct conn *c, enum conn_class class)
{
	if (class == c->class && (class == CONN_REQUEST || class == CONN_HEAD)) {
		return; /* nothing asks for its last byte; a head has its time however it comes */
	}
	pass_cursors(c, c->worker);
	list_remove(list_of(c), c);
	count_move(worker_counts(c->worker), (enum conn_class)c->class, class);
	c->since = usec_monotonic();
	count_silent(c, -1);
	c->class = (uint8_t) class;
	count_silent(c, 1);
	list_append(list_of(c), c);
	watch_time(c);
}

void conn_come_first(struct conn *c)
{
	list_remove(list_of(c), c);
	list_prepend(list_of(c), c);
}
