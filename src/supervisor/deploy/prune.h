#pragma once

/**
 * Which releases go after a deploy (keep_releases=), and their removal, in a child with the rights
 * of the slot's user.
 *
 * A release is a directory below releases_directory whose name does not begin with a dot. One that
 * goes gets a hidden name first, so that one that is half removed is never taken for a release.
 */

#include <stddef.h>

enum {
	PRUNE_RELEASES_MAX = 20,   /* that go in one run; the next run goes on */
	PRUNE_ENTRIES_MAX = 10000, /* of the directory */
};

struct prune {
	const char *directory;
	unsigned keep;	     /* so many of the newest stay, and all that are used */
	const char **names;  /* of releases that are used, NULL-terminated */
	const char **paths;  /* what is at them, through links, is used; NULL-terminated */
	const char *unknown; /* why it is not known what is used; NULL: it is */
};

/**
 * For child_run: removes what is to go, and prints a sentence on fd 1: "removed 2 releases: r1, r2"
 * or what went wrong; nothing if there was nothing to do.
 *
 * @data  struct prune.
 * Returns: the exit status, 1 if something went wrong.
 */
int prune_releases(void *data);
