#pragma once

/** Requests that a worker has not read yet, and whether another worker would. */

#include "connection.h"
#include "relay_service.h"
#include "relay_worker.h"

#define STALL_PATIENCE MSECONDS(100) /* with what was sent */

enum {
	STALL_WALK_MOST = 1024, /* connections of a worker that one look goes through */
};

/** A part of a request was sent to the worker of c. */
void stall_watch(struct conn *c);
/** A connection waits until its worker has room for it. */
void stall_watch_connect(struct relay_service *s);
/** The worker has read it, or c leaves it, or nothing can be done. */
static inline void stall_forget(struct conn *c)
{
	c->worker->n_unread -= c->unread ? 1 : 0;
	c->unread = false;
}
/** Does it not read or accept, while another worker does? Then kept connections leave it, too. */
bool worker_is_shunned(struct relay_worker *w);
/** Is there another worker that keeps up? */
bool stall_is_better_elsewhere(const struct relay_worker *w, usec_t now);
/** Has c been where it is for that long? */
static inline bool stall_is_due(const struct conn *c, usec_t patience, usec_t now)
{
	return usec_add(c->since, patience) <= now;
}
