#pragma once

/**
 * A target that several streams may share, as the pipe or terminal behind /dev/stdout. What is
 * taken from a stream for it ends with a line, so that lines of up to SHARE_MAX bytes arrive whole,
 * however slow the reader is.
 */

#include <stddef.h>

struct logger;
struct share;
struct stream;

enum {
	SHARE_MAX = 128 * 1024,
};

/**
 * Creates the pipe that shows what a stream's pipe holds. To be called while the process still has
 * CAP_SYS_RESOURCE: without it, new pipes of a user with many of them (pipe-user-pages-soft of
 * pipe(7)) have two pages, too few for most lines.
 */
void share_init(struct share *share);
/** Closes the pipe and stops the timer. */
void share_done(struct logger *lg);
/**
 * Finds out how many bytes of s are to be taken for a shared target.
 *
 * Returns: 0; -EBUSY: the end of a line has not come yet, and the timer will look again; -ENODATA:
 *          the pipe is empty.
 */
int share_limit(struct stream *s, size_t *ret_max);
