#pragma once

/** Time limits of clients, and which one is closed when there is no room. */

#include <slotd/loop.h>

struct relay;

/** Callback of relay_service.limit_timer. */
void on_limit(struct loop_timer *t);
/**
 * Closes the connection without an open request that has been silent longest, to make room for a
 * new one. It must have been silent for 100 ms, so that a distant client has time to speak, unless
 * half of all connections have not sent a whole head. A client address that has not sent a whole
 * head on a quarter of all connections or more gives up the first of these, however new: so whoever
 * speaks at once is served even where the flood comes from his own address. One that has as many
 * idle connections gives up the longest silent of its own. A pinned connection must have been
 * silent for 5 s. None is closed that has spoken, even if nobody has read that yet.
 *
 * @ret_at   set where no connection was closed but one may be later: that time.
 * Returns:  whether a connection was closed.
 */
bool limits_give_way(struct relay *relay, usec_t *ret_at);
