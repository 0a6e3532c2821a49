#pragma once

/** Placing: gives a connection a worker, lets it wait for one, takes it off one. */

#include "connection.h"

#include <slotd/loop.h>

/** Places a connection without a worker, with the n bytes in the copier's buffer. */
void conn_place_first(struct conn *c, size_t n);
/** Answers a held connection here. */
void conn_answer(struct conn *c);
/** Tries to place a held connection. False when no worker can take it now: it stays held. */
bool conn_retry(struct conn *c);
/** Takes a connection on which no byte has passed off its worker and places it afresh. */
void conn_move(struct conn *c);
/**
 * Takes a connection between requests off its worker; the client stays, and is placed again at its
 * next byte. Closes the connection if the client was told to expect that.
 */
void conn_park(struct conn *c);
/** Is a followed connection answered, with everything passed on and its worker's side ended? */
bool conn_may_linger(const struct conn *c);
/** Takes such a connection off its worker, to wait until the client closes. */
void conn_linger(struct conn *c);
/** Moves a connection to another worker, with the n bytes in the copier's buffer. */
void conn_place_again(struct conn *c, size_t n);
/** A connect has come to an end, or a write that shows how it went: of a queued connection. */
void conn_connect_settled(struct conn *c);
/** Connecting has taken too long: tries the next worker. */
void conn_connect_expired(struct conn *c);
/** Callback of relay_service.connect_timer. */
void on_connect_timer(struct loop_timer *t);
