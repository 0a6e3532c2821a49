#pragma once

/**
 * A target that is no regular file: a terminal, pipe or socket. While it takes nothing, the streams
 * that go there wait and their pipes fill, as behind any Unix pipe. No function here waits.
 *
 * How much such a target has got cannot be found out: after a kill of slotd-log at most one piece
 * (SPECIAL_CHUNK bytes, or SHARE_MAX of lines) is written twice.
 */

#include <slotd/loop.h>

#include <stdbool.h>
#include <stddef.h>

enum {
	SPECIAL_CHUNK = 4096, /* a pipe that has room takes this much at once: pipe(7) */
	SPECIAL_MAX = 256 * 1024,
};

struct special;
typedef void special_room_fn(void *data);

/** Makes a target. Keeps fd, which its owner closes after special_free. NULL: out of memory. */
struct special *special_new(int fd);
/** Frees the target; what it has not taken is lost. Accepts NULL. Returns NULL. */
struct special *special_free(struct special *sp);

/** May special_write be called now? */
bool special_ready(struct special *sp);
/** Calls fn once, from the loop, when the target is ready again. */
void special_wait(struct special *sp, struct loop *loop, special_room_fn *fn, void *data);
/**
 * Writes n bytes, at most SPECIAL_MAX. What the target does not take at once is copied, and written
 * when it has room.
 *
 * Returns: 0; -EAGAIN: it is not ready, nothing was written; -ENOMEM: the rest is lost; another
 *          -errno.
 */
int special_write(struct special *sp, const char *data, size_t n);
/** Has the target not yet taken all that was written? */
bool special_pending(const struct special *sp);
/** Adds bytes behind those that the target has not taken yet. Returns 0; -EAGAIN if these are too
 * many already; -ENOMEM. */
int special_add(struct special *sp, const char *data, size_t n);
/** Writes a line that is rather lost than kept. Returns 0; -EAGAIN if fd takes nothing now; another
 * -errno. */
int special_try(int fd, const char *data, size_t n);
