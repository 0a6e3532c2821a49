#pragma once

/**
 * When a log file is full, and what its backups are called. Pure.
 *
 * Unlike Supervisor, which may cut a line in two, a file is full at the end of the first line that
 * reaches maxbytes; only a line that does not end within ROTATION_SLACK is cut.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ROTATION_SLACK = 64 * 1024,
};

struct rotation {
	uint64_t maxbytes; /* 0: the file is never full */
	unsigned backups;  /* 0: a full file is emptied */
};

/**
 * Returns how many of the next n bytes belong in this file.
 *
 * @size      present size of the file, in bytes.
 * @ret_full  true: after these bytes the file is to be rotated.
 * Returns: 0..n; 0 only with *ret_full. With an empty file always above 0 (for n above 0).
 */
size_t rotation_split(const struct rotation *r, uint64_t size, const char *data, size_t n,
		      bool *ret_full);

/**
 * Writes the name of a backup to buf: "path.i", or "path" for 0.
 *
 * Returns: 0 or -ENAMETOOLONG.
 */
int rotation_name(const char *path, unsigned i, char *buf, size_t size);
