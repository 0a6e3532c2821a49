#pragma once

/**
 * How a child begins without a copy of slotd's descriptors, of which there are some for each
 * worker: copying and closing them all would cost the more the more workers there are.
 *
 * It begins with slotd's very table (CLONE_FILES) and leaves it by close_range(2) with
 * CLOSE_RANGE_UNSHARE, which copies only what lies below a number. What the child needs lies
 * there, in a berth: a few reserved numbers. They stay as they are until the child has said that
 * its table is its own, or has ended.
 *
 *	free --berth_take--> taken --berth_give_back--> free
 */

#include <stdbool.h>

enum {
	BERTH_FDS = 4, /* 0, 1, 2 and the report */
};

/**
 * Duplicates descriptors into a free berth.
 *
 * @fds  absent ones are negative; on success they become the berth's numbers.
 * Returns: the berth, or -errno: -ENOSYS before Linux 5.9, -EBUSY when all are taken. The child
 *          is then to have a copy.
 */
int berth_take(int fds[BERTH_FDS]);
/** Are all of them taken? */
bool berths_taken(void);
/** slotd: closes what is in it. Ignored when the berth is negative. */
void berth_give_back(int berth);
/**
 * The child, first of all: a table of its own, with nothing of the berths but this one (none:
 * negative). 0 or -errno.
 */
int berth_leave(int berth);
