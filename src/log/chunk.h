#pragma once

/**
 * A chunk's way from the staging window into its log file, over as many rotations as it takes.
 * The same code serves the stream that took it and, after a kill, the successor.
 */

#include "file.h"
#include "staging.h"

struct chunk_loss {
	int error; /* 0: nothing lost; negative errno */
	uint64_t lines, bytes;
};

struct chunk {
	struct staging *staging;
	struct log_file *file;
	struct log_note note; /* as committed; where this chunk has got */
	const char *data;     /* filtered, if the stream has a filter */
	size_t len;
	struct log_stream_note *memory; /* the stream's; may be NULL */
	size_t written;	 /* of [note.from, ...) in the file already: by a predecessor */
	int shift_error; /* a rotation failed; the old file goes on. 0: none */
	struct chunk_loss loss;
};

/** A note for bytes that are about to be taken for f, which is to be a regular, open file. */
int chunk_note(const struct log_file *f, uint32_t stream, usec_t now, struct log_note *ret);
/** Carries the chunk to its end. Afterwards the note is idle; the window is the caller's. */
void chunk_run(struct chunk *c);
