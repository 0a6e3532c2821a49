#pragma once

/** Symbolic links at the end of a path: whose are followed, and which lead to a descriptor. */

#include <slotd/diag.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** Whose links are followed. */
enum links_rule {
	LINKS_OURS,	    /* those of root and of this process's user */
	LINKS_OURS_OR_SAME, /* also those whose owner owns what they point to */
};

/**
 * Follows links at the end of a path; what they point to need not exist. Links among the
 * directories of the path are left to the kernel.
 *
 * @buf     gets the path without links; after an error, the one at which it stopped.
 * Returns: 0; -EPERM for a link that may not be followed, -ENXIO for a name in /proc (see
 *          links_descriptor), or another -errno; with a sentence.
 */
int links_resolve(const char *path, enum links_rule rule, char *buf, size_t size,
		  struct diag *diag);

/**
 * Does the name at which links_resolve stopped mean a descriptor (/proc/PID/fd/N, /dev/fd/N)?
 *
 * @ret_pid  the process that has it; 0: this process, by whatever name.
 */
bool links_descriptor(const char *name, pid_t *ret_pid, int *ret_fd);
