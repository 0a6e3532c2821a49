#pragma once

/** Symbolic links in a path: whose are followed, and which lead to a descriptor. */

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
 * directories of the path are left to the kernel, or to links_open_directory.
 *
 * @buf     gets the path without links; after an error, the one at which it stopped.
 * Returns: 0; -EPERM for a link that may not be followed, -ENXIO for a name in /proc (see
 *          links_descriptor), or another -errno; with a sentence.
 */
int links_resolve(const char *path, enum links_rule rule, char *buf, size_t size,
		  struct diag *diag);

/**
 * Opens the directory of a path, for openat(2) and its like. Of the links on the way there it
 * follows those of root, of this process's user, and of the owner of the directory that they lead
 * to, who could do there what we do. Nobody can exchange a directory for a link in between.
 *
 * @ret_name  the last part of path.
 * Returns:   a descriptor (O_PATH), or -errno; -ELOOP also for a link that may not be followed.
 */
int links_open_directory(const char *path, const char **ret_name);

/**
 * Does the name at which links_resolve stopped mean a descriptor (/proc/PID/fd/N, /dev/fd/N)?
 *
 * @ret_pid  the process that has it; 0: this process, by whatever name.
 */
bool links_descriptor(const char *name, pid_t *ret_pid, int *ret_fd);
