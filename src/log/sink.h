#pragma once

/** Where a stream's chunks go: its file, a special target, nowhere, or into the count of losses. */

#include "logger.h"

typedef void sink_fn(struct stream *s, struct chunk *c);

/**
 * The sink of the next chunk. The first loss of a target that fails is told here.
 *
 * @ret_note  what is to be committed before the chunk is taken.
 * @max       in and out: bytes to take.
 * Returns: 0; -EAGAIN: the target takes nothing now (special_wait tells when it does); -EBUSY
 *          and -ENODATA: see share_limit; another -errno, for which the pipe keeps what is in it
 * until a later try (sink_error_passes).
 */
int sink_choose(struct stream *s, struct log_note *ret_note, size_t *max, sink_fn **ret);

/** No descriptor or memory left just now: nothing is lost by waiting a little. */
bool sink_error_passes(int error);
