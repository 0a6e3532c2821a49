#pragma once

/** The end of a connection. */

#include "connection.h"

/** Closes both sides. */
void conn_end(struct conn *c);
/** Resets both sides, after one of them was reset. */
void conn_abort(struct conn *c);
/** Closes a connection in such a way that nobody takes half an answer for a whole one. */
void conn_cut(struct conn *c);
