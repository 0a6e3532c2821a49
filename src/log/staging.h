#pragma once

/** The staging window: pipes are spliced into it, and its file position says how much was taken. */

#include "note.h"

#include <stddef.h>
#include <sys/types.h>

struct staging {
	int fd; /* -EBADF: not set up */
	const char *map;
	struct log_notes *notes;
};

/** Maps window and notes. Takes both descriptors, also on failure. Returns 0 or -errno. */
int staging_attach(struct staging *st, int fd, int notes_fd);
/** Unmaps and closes both. */
void staging_done(struct staging *st);
/** Returns how many bytes are in the window; before the first take, what a predecessor took. */
size_t staging_taken(const struct staging *st);
/**
 * Moves up to max bytes from the pipe to the beginning of the window. The note must already say to
 * which stream they belong.
 *
 * Returns: how many bytes; 0 at the end of the pipe; -EAGAIN if it is empty; another -errno.
 */
ssize_t staging_take(struct staging *st, int pipe, size_t max);
/** Empties the window: all that was taken has been dealt with. */
void staging_reset(struct staging *st);
