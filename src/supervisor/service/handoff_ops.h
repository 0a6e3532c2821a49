#pragma once

/**
 * A handoff: the way by which connections reach a service's workers. The rooms call it through
 * sup->handoff, which the wiring sets, and never by its name; slotd-relay (handoff/relays.c) is the
 * first one.
 *
 * A decision about connections is a placement; a flip, a canary and a pause are the same act. An
 * act takes time and ends in an event, service_handed(). A later act of the same kind replaces one
 * that has not ended, for which there is no event then.
 */

#include "service/service.h"

#include <slotd/handoff.h>

enum handoff_event_kind {
	HANDOFF_PLACED,		/* connections from before it have been connected, or failed over */
	HANDOFF_DRAINED,	/* slot has no connection left for which the drain waits */
	HANDOFF_CUT,		/* slot has no connections; n: how many were closed by this act */
	HANDOFF_WORKER_DRAINED, /* the worker has no connection left */
	HANDOFF_WORKER_CUT,	/* the same, by an act that has closed n */
};

struct handoff_event {
	enum handoff_event_kind kind;
	enum slot_id slot;
	uint64_t n;
	uint32_t worker; /* WORKER_DRAINED, WORKER_CUT: its place in the ledger */
};

/** The connections to the workers of a slot, and how many were ever placed there, of which only the
 * growth has a meaning. */
struct handoff_load {
	uint64_t queued, silent, active, idle, pinned;
	uint64_t placed, failed; /* failed: of the placed, ended without a byte from any worker */
	uint64_t requests, bad;	 /* bad: of the requests, answered with an error or not at all */
};
/** Returns the number of all open connections. */
static inline uint64_t handoff_load_total(const struct handoff_load *l)
{
	return l->queued + l->silent + l->active + l->idle + l->pinned;
}

/** Returns how much has been added to a count that was then; a relay that was started again counts
 * from 0. */
static inline uint64_t handoff_since(uint64_t now, uint64_t then)
{
	return now >= then ? now - then : now;
}

struct handoff_ops {
	const char *name;
	/** Sets the first placement, before anybody can connect. It has no event. */
	void (*begin)(struct service *s, const struct placement *first);
	/** The service is new, or its settings have changed; its workers will be told again. */
	void (*service)(struct service *s);
	/** The service is removed: acts that have not ended will have no event. */
	void (*service_gone)(struct service *s);
	/** s->page has changed: it is answered while the placement is SWITCH_OFFLINE. */
	void (*page)(struct service *s);
	/** The public socket is bound and listens, or has another role now (preview). */
	void (*socket)(struct service *s, const struct public_socket *socket);
	/** The socket is removed; connections in its queue are still accepted. */
	void (*socket_gone)(struct service *s, const struct public_socket *socket);
	/** A worker with an address is new, or is up or down now. It may be called again for free.
	 */
	void (*worker)(struct service *s, const struct process *p, bool up);
	/** The worker has passed a check: a connection that it refused may try it again at once. */
	void (*worker_again)(struct service *s, const struct process *p);
	/** The worker is removed, or leaves its slot. */
	void (*worker_gone)(struct service *s, const struct process *p);
	/** Sends new connections there; ends in HANDOFF_PLACED. Its workers were told before. */
	void (*place)(struct service *s, const struct placement *to);
	/** Drains the slot; ends in HANDOFF_DRAINED. */
	void (*drain)(struct service *s, enum slot_id slot);
	/** Closes the connections of the slot, evenly over spread; ends in HANDOFF_CUT. */
	void (*cut)(struct service *s, enum slot_id slot, usec_t spread);
	/** Drains a worker that was told to be down; ends in HANDOFF_WORKER_DRAINED. Returns 0 or
	 * -ENOMEM. */
	int (*drain_worker)(struct service *s, const struct process *p);
	/** Closes the connections of that worker; ends in HANDOFF_WORKER_CUT. Returns as above. */
	int (*cut_worker)(struct service *s, const struct process *p, usec_t spread);
	/** What was asked of the worker shall have no event any more. */
	void (*spare_worker)(struct service *s, const struct process *p);
	/** Fills *ret with the connections of the slot, of all relays together. It asks nobody. */
	void (*load)(const struct service *s, enum slot_id slot, struct handoff_load *ret);
};

/** An act has ended; in place.c. */
void service_handed(struct service *s, const struct handoff_event *ev);
