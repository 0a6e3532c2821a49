#include "relay.h"

#include <slotd/cleanup.h>

/*
 * Clients that cost and give nothing. The lists of classes are in the order of time, so that the
 * heads alone tell who is due: one timer a service, set when the first connection with a limit
 * comes in, and not moved by all the others.
 */

void limits_watch(struct conn *c)
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
		conn_cut(l->head);
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

/* The lower, the less is lost with it; 0: never. */
static const uint8_t gives_way[CONN_CLASS_MAX_] = {
	[CONN_FRESH] = 1,  [CONN_LINGER] = 1, [CONN_PARKED] = 2, [CONN_BETWEEN] = 2,
	[CONN_SILENT] = 2, [CONN_HEAD] = 2,   [CONN_PINNED] = 3,
};

/* Nobody can tell whether it is in the middle of something. */
#define PINNED_STILL SECONDS(5)

enum {
	RANK_UNPLACED = 1, /* all of its classes are without a worker */
	RANKS = 3,
};

struct candidate {
	int rank;
	usec_t before; /* silent since then, at least */
	struct conn *oldest;
};

static int find_oldest(struct conn_list *l, enum conn_class class, void *data)
{
	struct candidate *k = data;

	if (l->head && gives_way[class] == k->rank && l->head->since <= k->before &&
	    (!k->oldest || l->head->since < k->oldest->since)) {
		k->oldest = l->head;
	}
	return LOOK_ON;
}

bool limits_give_way(struct relay *relay)
{
	const usec_t now = usec_monotonic();
	struct candidate k = {0};

	for (k.rank = 1; k.rank <= RANKS && !k.oldest; k.rank++) {
		k.before = k.rank == RANKS ? usec_sub(now, PINNED_STILL) : now;
		for (size_t i = 0; i < ARRAY_SIZE(relay->services); i++) {
			if (relay->services[i]) {
				(void)(k.rank == RANK_UNPLACED ? each_unplaced : each_list)(
					relay->services[i], find_oldest, &k);
			}
		}
	}
	if (k.oldest) {
		conn_cut(k.oldest);
	}
	return k.oldest;
}
