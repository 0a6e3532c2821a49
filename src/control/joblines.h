#pragma once

/**
 * The log of a job as slotd.follow gives it: where a follower is, and what of a piece of the log
 * are lines. Pure.
 *
 * A place is a number for the follower to give back: which file (a log is rotated while it is
 * followed) and the end of the last line in it. It fits into XML-RPC's int, so of a file that was
 * not rotated when it should no more than JOBLINES_FILE_MAX bytes are given.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	JOBLINES_FILE_MAX = (1 << 24) - 1,
};

/** Of a file, by its inode: never 0. */
unsigned joblines_tag(ino_t ino);
int32_t joblines_place(unsigned tag, off_t at);
/** False: it is no place, as those who want no lines say it. 0 is the beginning: *ret_tag is 0. */
bool joblines_where(int64_t place, unsigned *ret_tag, off_t *ret_at);

/** A line, without its newline, that ends after `end` bytes of the piece. */
typedef void joblines_fn(void *data, const char *line, size_t len, size_t end);
/**
 * Calls fn for each line of a piece.
 *
 * @last  nothing comes after it: what has no newline is a line, too.
 * @max   lines.
 * Returns: bytes of these lines.
 */
size_t joblines_cut(const char *piece, size_t n, bool last, unsigned max, joblines_fn *fn,
		    void *data);
