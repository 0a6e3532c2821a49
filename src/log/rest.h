#pragma once

/** How long slotd-log rests between two looks at pipes that fill. Pure. */

#include <slotd/usec.h>

enum {
	REST_FULL = 16,
};

#define REST_MIN ((usec_t)64) /* a shorter rest is not worth a sleep */
#define REST_MAX MSECONDS(1)

/**
 * Returns the next rest: longer while the pipes hold too little for the work of a turn, shorter
 * when a writer may soon have to wait. A pipe may be full with half its bytes, as a write of a
 * little more than half a page takes a page.
 *
 * @rest    the last rest; 0: there was none.
 * @filled  how full the fullest pipe was after it, in parts of REST_FULL.
 * Returns: 0, or REST_MIN to REST_MAX.
 */
usec_t rest_next(usec_t rest, unsigned filled);
