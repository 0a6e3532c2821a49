#pragma once

/** Which events of its two sides a connection waits for. */

#include "connection.h"

/** Waits for these events of that side. */
void conn_watch(struct conn *c, enum conn_end end, unsigned events);
/** Of an open connection: may what this side says be passed on? */
bool conn_is_readable(const struct conn *c, enum conn_end end);
/** Watches both sides of an open connection for the events that it waits for. */
void conn_watch_open(struct conn *c);
