#pragma once

/**
 * A handoff: the way by which connections reach a service's workers, as the rooms ask for it:
 * sup->handoff, given by the wiring. Nobody calls one by its name; slotd-relay (handoff/relays.c)
 * is the first.
 *
 * What is decided is a placement; a flip, a canary's share and a pause are the same act. Acts take
 * their time and end in an event, service_handed(); a later act of the same kind replaces one that
 * has not ended, which then has no event of its own.
 */

#include "service/service.h"

#include <slotd/handoff.h>

enum handoff_event_kind {
	HANDOFF_PLACED,	 /* whoever came before the placement has got to a worker, or failed over */
	HANDOFF_DRAINED, /* slot: none queued, silent or in a request is left */
	HANDOFF_CUT,	 /* slot: nothing is open; n: so many were ended by it */
};

struct handoff_event {
	enum handoff_event_kind kind;
	enum slot_id slot;
	uint64_t n;
};

/** What is open to the workers of a slot, and what was ever placed there: only growth counts. */
struct handoff_load {
	uint64_t queued, silent, active, idle, pinned;
	uint64_t placed, failed; /* failed: of the placed, ended without a byte from any worker */
};
/** All that is open. */
static inline uint64_t handoff_load_total(const struct handoff_load *l)
{
	return l->queued + l->silent + l->active + l->idle + l->pinned;
}

struct handoff_ops {
	const char *name;
	/** The first placement, before anybody connects. It has no event. */
	void (*begin)(struct service *s, const struct placement *first);
	/** The service is there, or its settings are others; what was told of its workers is void.
	 */
	void (*service)(struct service *s);
	/** It goes: acts that have not ended have no event. */
	void (*service_gone)(struct service *s);
	void (*socket)(struct service *s, const struct public_socket *socket);
	/** Its queue is still taken. */
	void (*socket_gone)(struct service *s, const struct public_socket *socket);
	/** A worker with an address is there, up or down: told again, it costs nothing. */
	void (*worker)(struct service *s, const struct process *p, bool up);
	/** It passed a check: who was refused by it may try it at once. */
	void (*worker_again)(struct service *s, const struct process *p);
	void (*worker_gone)(struct service *s, const struct process *p);
	/** New connections go there: HANDOFF_PLACED. Its workers' rows were told before. */
	void (*place)(struct service *s, const struct placement *to);
	/** HANDOFF_DRAINED. */
	void (*drain)(struct service *s, enum slot_id slot);
	/** Ends what the slot has, evenly over spread: HANDOFF_CUT. */
	void (*cut)(struct service *s, enum slot_id slot, usec_t spread);
	void (*load)(const struct service *s, enum slot_id slot, struct handoff_load *ret);
};

/** An act has ended: place.c. */
void service_handed(struct service *s, const struct handoff_event *ev);
