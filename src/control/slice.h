#pragma once

/** Which bytes of a log a caller gets. Source: Supervisor's documentation, "Process Logging". */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	SLICE_MAX = 4 << 20, /* of one answer */
};

struct slice {
	off_t start;
	size_t len;
	bool overflow; /* tail: there was more */
};

/**
 * readLog and its kind. offset >= 0, length > 0: that slice; length 0: to the end; offset < 0,
 * length 0: the last -offset bytes.
 *
 * Returns: 0, or -EINVAL for any other pair.
 */
int slice_read(off_t size, int64_t offset, int64_t length, struct slice *ret);

/** tailProcessStdoutLog and its kind: never fails. */
void slice_tail(off_t size, int64_t offset, int64_t length, struct slice *ret);

/**
 * Reads a slice of fd, widened at its end and narrowed at its start to whole characters.
 *
 * Returns: 0 with a new buffer in *ret_data, -ENOMEM or -errno of pread(2).
 */
int slice_load(int fd, const struct slice *s, char **ret_data, size_t *ret_len);
