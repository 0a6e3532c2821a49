#pragma once

/**
 * Writes a chunk from the staging window to its log file, with as many rotations as that needs.
 * slotd-log does this for what it has just taken, and after a kill for what its predecessor took.
 */

#include "file.h"
#include "staging.h"

struct chunk_loss {
	int error; /* negative errno; 0: nothing was lost */
	uint64_t lines, bytes;
};

struct chunk {
	struct staging *staging;
	struct log_file *file;
	struct log_note note; /* as committed last: how far this chunk has got */
	const char *data;     /* filtered, if the stream has a filter */
	size_t len;
	struct log_stream_note *memory; /* of the stream; may be NULL */
	size_t written;	 /* bytes from note.from on that a predecessor has written already */
	int shift_error; /* why a rotation failed, after which the old file goes on; 0: none */
	struct chunk_loss loss;
};

/**
 * Makes the note for bytes that are about to be taken.
 *
 * @f    an open, regular file; borrowed.
 * @now  monotonic.
 * Returns: 0, or -errno if the size of the file is not known.
 */
int chunk_note(const struct log_file *f, uint32_t stream, usec_t now, struct log_note *ret);
/** Writes the chunk, and rotates when the file is full. Afterwards the note is idle, c->loss says
 * what could not be written, and the caller may empty the staging window. */
void chunk_run(struct chunk *c);
