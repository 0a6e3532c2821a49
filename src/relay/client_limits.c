#include "client_limits.h"

#include "conn.h"
#include "conn_close.h"
#include "relay.h"
#include "workers.h"

#include <slotd/cleanup.h>

/*
 * Clients that cost and give nothing. The lists of classes are in the order of time, so that the
 * heads alone tell who is due: one timer a service, set when the first connection with a limit
 * comes in, and not moved by all the others.
 */

enum {
	LOOK_ON,
	LOOK_STOP,
};
typedef int list_fn(struct conn_list *l, enum conn_class class, void *data);

static int each_of_slot(struct relay_slot *slot, list_fn *fn, void *data)
{
	/* From the back: a worker that is gone goes with its last connection. */
	for (size_t i = slot->table.workers.len; i > 0; i--) {
		struct relay_worker *w = worker_of(slot->table.workers.at[i - 1]);
		int r = LOOK_ON;

		worker_use(w);
		for (int k = CONN_SILENT; k < CONN_CLASS_MAX_ && r == LOOK_ON; k++) {
			r = fn(worker_list(w, (enum conn_class)k), (enum conn_class)k, data);
		}
		worker_unuse(w);
		if (r != LOOK_ON) {
			return r;
		}
	}
	return LOOK_ON;
}

static int each_unplaced(struct relay_service *s, list_fn *fn, void *data)
{
	int r = LOOK_ON;

	for (int k = 0; k < CONN_UNPLACED_CLASSES && r == LOOK_ON; k++) {
		r = fn(&s->unplaced[k], (enum conn_class)k, data);
	}
	return r;
}

/* Every list of a service but the queued ones, which have a time limit of their own. */
static int each_list(struct relay_service *s, list_fn *fn, void *data)
{
	int r = each_unplaced(s, fn, data);

	for (int i = SLOT_A; i < SLOT_MAX_ && r == LOOK_ON; i++) {
		r = each_of_slot(&s->slots[i], fn, data);
	}
	return r;
}

/* ---- time limits */

struct expiry {
	const struct client_limits *limits;
	usec_t now, next;
	unsigned batch;
};

static int expire(struct conn_list *l, enum conn_class class, void *data)
{
	struct expiry *x = data;
	const usec_t limit = class_limit(class, x->limits);

	while (l->head && usec_add(l->head->since, limit) <= x->now) {
		if (!x->batch) {
			x->next = x->now;
			return LOOK_STOP;
		}
		x->batch--;
		if (!conn_hear(l->head)) {
			conn_cut(l->head);
		}
	}
	if (l->head && usec_add(l->head->since, limit) < x->next) {
		x->next = usec_add(l->head->since, limit);
	}
	return LOOK_ON;
}

void on_limit(struct loop_timer *t)
{
	struct relay_service *s = container_of(t, struct relay_service, limit_timer);
	struct expiry x = {&s->limits, usec_monotonic(), USEC_NEVER, TURN_BATCH};

	(void)each_list(s, expire, &x);
	loop_timer_set(s->relay->loop, t, x.next);
}

/* ---- no room */

/* Nobody can tell whether a pinned one is in the middle of something. */
#define PINNED_STILL SECONDS(5)

/* A round trip or two. */
#define TIME_TO_SPEAK MSECONDS(100)

enum {
	LOOK_AT = 64,		    /* so many of a list, for one that may go */
	ANY_SOURCE = PLACE_SOURCES, /* a number that no address has */
};

struct search {
	uint16_t source; /* of these only */
	bool empty;	 /* without a whole head; otherwise any */
	usec_t now;
	struct conn *oldest;
};

static bool may_go(const struct conn *c, const struct search *k)
{
	const usec_t still = c->class == CONN_PINNED ? PINNED_STILL : 0;

	return (k->source == ANY_SOURCE || c->source == k->source) &&
	       usec_add(c->since, still) <= k->now;
}

static int find(struct conn_list *l, enum conn_class class, void *data)
{
	struct search *k = data;
	struct conn *first = l->head;

	if (!(k->empty ? class_is_empty(class) : class_gives_way(class))) {
		return LOOK_ON;
	}
	for (unsigned i = 0; first && !may_go(first, k); i++) {
		first = i < LOOK_AT ? first->next : NULL;
	}
	if (first && (!k->oldest || first->since < k->oldest->since)) {
		k->oldest = first;
	}
	return LOOK_ON;
}

static struct conn *find_oldest(struct relay *relay, uint16_t source, bool empty, usec_t now)
{
	struct search k = {.source = source, .empty = empty, .now = now};

	for (size_t i = 0; i < ARRAY_SIZE(relay->services); i++) {
		for (struct relay_service *s = relay->services[i]; s; s = s->preview) {
			(void)each_list(s, find, &k);
		}
	}
	return k.oldest;
}

/* The address with the most of them, if that is a quarter of all connections; or ANY_SOURCE. */
static uint16_t find_crowd(const struct relay *relay, const uint32_t by_source[])
{
	uint16_t most = 0;

	for (uint16_t i = 1; i < PLACE_SOURCES; i++) {
		most = by_source[i] > by_source[most] ? i : most;
	}
	return by_source[most] >= relay->max_conns / 4 ? most : (uint16_t)ANY_SOURCE;
}

static bool is_old(const struct conn *c, usec_t now)
{
	return c && usec_add(c->since, TIME_TO_SPEAK) <= now;
}

static struct conn *find_victim(struct relay *relay, usec_t now)
{
	const uint16_t flood = find_crowd(relay, relay->empty);
	uint16_t crowd;
	struct conn *c = NULL;

	if (flood != ANY_SOURCE) {
		c = find_oldest(relay, flood, true, now);
	}
	if (c) {
		return c;
	}
	crowd = find_crowd(relay, relay->idle);
	if (crowd != ANY_SOURCE) {
		c = find_oldest(relay, crowd, false, now);
	}
	if (is_old(c, now)) {
		return c;
	}
	c = find_oldest(relay, ANY_SOURCE, false, now);
	return is_old(c, now) || relay->n_empty >= relay->max_conns / 2 ? c : NULL;
}

bool limits_give_way(struct relay *relay, usec_t *ret_at)
{
	const usec_t now = usec_monotonic();
	struct conn *victim;

	for (unsigned i = 0; i < LOOK_AT && (victim = find_victim(relay, now)); i++) {
		if (!conn_hear(victim)) {
			conn_cut(victim);
			return true;
		}
		if (relay->n_conns < relay->max_conns) {
			return true;
		}
	}
	if (relay->n_silent) {
		*ret_at = usec_add(now, TIME_TO_SPEAK);
	}
	return false;
}
