#pragma once

/** Where a chunk of a stream goes: to its file, to a special target, nowhere, or to the losses. */

#include "logger.h"

typedef void sink_fn(struct stream *s, struct chunk *c);

/**
 * Chooses the sink of the next chunk. If the target fails, its first loss is reported here.
 *
 * @ret_note  the note to be committed before the chunk is taken.
 * @max       in and out: how many bytes are to be taken.
 * Returns: 0; -EAGAIN: the target takes nothing now (special_wait); -EBUSY and -ENODATA: see
 *          share_limit; another -errno that passes (sink_error_passes): the bytes stay in the pipe
 *          until a later try.
 */
int sink_choose(struct stream *s, struct log_note *ret_note, size_t *max, sink_fn **ret);

/** Is the error a lack of descriptors or memory, so that waiting loses nothing? */
bool sink_error_passes(int error);
