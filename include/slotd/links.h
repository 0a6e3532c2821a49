#pragma once

/** Links at the end of a path: who may lead slotd elsewhere, and which lead to a descriptor. */

#include <slotd/diag.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** Whose links are followed. */
enum links_rule {
	LINKS_OURS,	    /* root's, and those of this process's user */
	LINKS_OURS_OR_SAME, /* also those that belong to the owner of what they name */
};

/**
 * Follows links at the end of a path; what they name need not exist. Links among its directories
 * are left to the kernel.
 *
 * @buf     what path names; after an error where it stopped.
 * Returns: 0; -EPERM for somebody else's link, -ENXIO for a name in /proc (links_descriptor says
 *          of what), or -errno, with a sentence.
 */
int links_resolve(const char *path, enum links_rule rule, char *buf, size_t size,
		  struct diag *diag);

/**
 * Does a name at which links_resolve stopped mean a descriptor (/proc/PID/fd/N, /dev/fd/N)?
 *
 * @ret_pid  whose; 0: this process's own, whatever it is called.
 */
bool links_descriptor(const char *name, pid_t *ret_pid, int *ret_fd);
