#pragma once

/** A check by connecting, without blocking. */

#include "prober.h"

/** Prepares a check that has not begun. */
void tcp_init(struct check *c);
/** Begins it; ends in check_finish, perhaps at once. */
void tcp_begin(struct check *c);
/** Ends it without an outcome; harmless if it has not begun. */
void tcp_end(struct check *c);
