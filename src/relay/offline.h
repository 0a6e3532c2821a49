#pragma once

/** Connections that get their answers from this relay. */

#include "connection.h"

/**
 * Answers a connection without a worker, of which the first n bytes are in the copier's buffer,
 * with all that it says until service_answers does not hold any more. Closes what is not HTTP/1.
 */
void offline_begin(struct conn *c, size_t n);
/** Its client can be read or written: of a connection that is ANSWERED. */
void offline_event(struct conn *c);
