#pragma once

/** When the connections of a slot are looked at (drain.h). */

#include "relay_service.h"
#include "relay_worker.h"

/** How long a connection of this class may be still while its slot drains; USEC_NEVER: as long as
 * it likes. */
usec_t slot_patience(const struct relay_service *s, enum conn_class class);
/** c has entered a class with a worker, in which it may have to be closed later. */
void slot_watch(const struct conn *c);
/** The slot has lost its last connection: checks it in the next turn. */
void slot_look_soon(struct relay_service *s, enum slot_id slot);
/** Those of its half closed connections that are there now are looked at once more. */
void worker_halves_again(struct relay_worker *w);
/** A worker is no longer up: its connections leave it, from the next turn on. */
void worker_left(struct relay_worker *w);
