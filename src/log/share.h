#pragma once

/**
 * A target that several streams may share (one pipe or terminal behind /dev/stdout): what is taken
 * of a stream for it ends where a line ends, so that lines of up to SHARE_MAX bytes arrive whole
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
 * Makes the pipe to look with. Called while the process still has CAP_SYS_RESOURCE: a user with
 * many pipes (pipe-user-pages-soft of pipe(7): a thousand, those of workers included) gets them
 * with two pages else, too short for most lines.
 */
void share_init(struct share *share);
void share_done(struct logger *lg);
/**
 * How much of s is to be taken for a shared target.
 *
 * Returns: 0; -EBUSY: a line is begun whose end is waited for a little; the timer looks again;
 *          -ENODATA: nothing is there.
 */
int share_limit(struct stream *s, size_t *ret_max);
