#pragma once

/**
 * Removing directories with all that is in them, in a child: by descriptors, without following a
 * link and without entering what is mounted, in bounded steps.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	REMOVAL_FILES_MAX = 1000000, /* in one run */
	REMOVAL_DEPTH_MAX = 200,
};

struct removal {
	size_t left; /* so many files may still be removed in this run */
	int depth;
	dev_t device;	/* of the directory where it began */
	uint64_t mount; /* its mount; 0: the kernel does not tell (before Linux 5.8) */
};

/**
 * Removes everything in a directory, and leaves the directory.
 *
 * @dir  borrowed.
 * Returns: 0; -E2BIG if there are too many files or the directories are too deep, which another run
 *          goes on with; -EXDEV if something is mounted in it; the -errno of what could not be
 *          removed first. The rest is removed all the same.
 */
int remove_content(struct removal *r, int dir);
/** Removes that entry of dir, and everything in it. Errors as above. */
int remove_tree(struct removal *r, int dir, const char *name);
