#pragma once

/** The list and the counts that a connection is in. */

#include "connection.h"

/** Takes it out of its list and the counts. */
void conn_leave(struct conn *c);
/** Puts it into another list and its counts. w is NULL for classes without a worker. */
void conn_enter(struct conn *c, struct relay_worker *w, enum conn_class class);
/** Puts it at the beginning of its list. */
void conn_come_first(struct conn *c);
/** Moves it to another class of its worker, or to the end of the same class. */
void conn_change_class(struct conn *c, enum conn_class class);
