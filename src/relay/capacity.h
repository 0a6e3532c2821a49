#pragma once

/** Whether this relay accepts: it needs descriptors and memory, and shares the work with the
 * others. */

#include <slotd/loop.h>
#include <slotd/usec.h>

struct relay;

/** How long nothing is accepted if no connection ends. */
#define EXHAUSTED_RETRY SECONDS(1)

/** There are no descriptors, or no memory: stops accepting and connecting until a connection ends,
 * or for a while. */
void relay_exhausted(struct relay *relay, int error);
/** There is no room for one more connection until one ends, or until that time, when one may give
 * way. */
void relay_full(struct relay *relay, usec_t until);
/** A connection has ended. */
void relay_relieved(struct relay *relay);
/** The number of connections has changed. */
void relay_tell_others(struct relay *relay);
/** Has another relay so few connections that it should accept the next one? */
bool relay_others_have_fewer(const struct relay *relay);
/** Lets the others accept for a moment. */
void relay_yield(struct relay *relay);
/** Callbacks of the timers of that name. */
void on_exhausted_timer(struct loop_timer *t);
void on_yield_timer(struct loop_timer *t);
