#pragma once

/**
 * A target that is no regular file: terminal, pipe, socket. It may refuse for now; then streams
 * that go there wait (and their pipes fill), as behind any Unix pipe. Nothing here ever waits.
 *
 * What was written to such a target cannot be asked back: after a kill of slotd-log at most one
 * piece (SPECIAL_CHUNK bytes, of lines for a shared target SHARE_MAX) is written twice.
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

/** Keeps fd, borrowed: the owner closes it after special_free. NULL: out of memory. */
struct special *special_new(int fd);
struct special *special_free(struct special *sp);

/** May special_write be called now? */
bool special_ready(struct special *sp);
/** Calls fn once when it is ready again. */
void special_wait(struct special *sp, struct loop *loop, special_room_fn *fn, void *data);
/**
 * Writes; what is not taken at once is kept and written when there is room.
 *
 * @n  at most SPECIAL_MAX.
 * Returns: 0 or -errno; -EAGAIN: not ready; -ENOMEM: the rest is lost.
 */
int special_write(struct special *sp, const char *data, size_t n);
/** Is there something that the target has not taken yet? */
bool special_pending(const struct special *sp);
/** Behind what is pending: 0; -EAGAIN: that is too much already; -ENOMEM. */
int special_add(struct special *sp, const char *data, size_t n);
/** For lines that rather get lost than wait: 0, -EAGAIN or another -errno. */
int special_try(int fd, const char *data, size_t n);
