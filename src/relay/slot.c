#include "slot.h"

#include "relay.h"

/* After an early answer the client may send the rest of its body; nginx's lingering_timeout. */
#define EARLY_PATIENCE SECONDS(5)

usec_t slot_patience(const struct relay_service *s, enum conn_class class)
{
	if (class == CONN_EARLY) {
		return EARLY_PATIENCE;
	}
	return class == CONN_PINNED && s->drain == DRAIN_IDLE ? s->drain_idle : USEC_NEVER;
}

void slot_watch(const struct conn *c)
{
	struct relay_service *s = c->service;
	struct relay_slot *slot = &s->slots[c->worker->slot];
	const usec_t patience = slot_patience(s, (enum conn_class)c->class);

	if ((slot->draining || c->worker->drain_id) &&
	    usec_add(c->since, patience) < slot->drain_timer.at) {
		loop_timer_set(s->relay->loop, &slot->drain_timer, usec_add(c->since, patience));
	}
}

void worker_halves_again(struct relay_worker *w)
{
	w->next_half = worker_list(w, CONN_HALF)->head;
	w->halves_until = usec_monotonic();
}

void worker_left(struct relay_worker *w)
{
	worker_halves_again(w);
	slot_look_soon(w->service, w->slot);
}

void slot_look_soon(struct relay_service *s, enum slot_id slot)
{
	loop_timer_set(s->relay->loop, &s->slots[slot].drain_timer, usec_monotonic());
}
