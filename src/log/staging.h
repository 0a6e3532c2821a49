#pragma once

/** The staging window: a pipe is spliced in, and its position says how much was taken. */

#include "note.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct staging {
	int fd; /* -EBADF: not set up */
	const char *map;
	struct log_notes *notes;
};

/** Takes both descriptors, even on failure. 0 or -errno. */
int staging_attach(struct staging *st, int fd, int notes_fd);
void staging_done(struct staging *st);
/** Bytes in the window: what a predecessor took, before the first take. */
size_t staging_taken(const struct staging *st);
/**
 * Moves up to max bytes of the pipe to the beginning of the window. The note must say whose they
 * will be.
 *
 * Returns: bytes, 0 at the pipe's end, -EAGAIN when it is empty, another -errno.
 */
ssize_t staging_take(struct staging *st, int pipe, size_t max);
/** The window is empty again; nothing is owed. */
void staging_reset(struct staging *st);
