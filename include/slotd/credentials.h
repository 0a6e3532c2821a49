#pragma once

/**
 * Secrets of a worker, as files in a directory of its own in memory (tmpfs or ramfs), by systemd's
 * convention: the worker finds its directory in $CREDENTIALS_DIRECTORY. The files have mode 0400
 * and belong to the worker's user; the directory belongs to slotd's, so that nothing can be added,
 * and the worker's user alone may list it (acl(5)). They exist as long as the worker.
 *
 * A secret is copied from its file at each start, by the worker's child before it changes its user.
 * slotd itself never reads it.
 *
 * Source: systemd.exec(5), LoadCredential=.
 */

#include <slotd/spawn.h>

enum {
	CREDENTIALS_SIZE_MAX = 1 << 20, /* all of a worker's together */
};

/**
 * Makes the directory and its files. What is left there of a former run is removed first.
 *
 * @dir    path of the directory to be made; the one above it exists.
 * @list   "NAME:PATH", NULL-terminated. PATH must be a regular file that belongs to root or to this
 *         process's user, and which nobody else can change.
 * @user   to whom they are given; NULL: this process's user.
 * @why    gets what failed, without the errno: "credential db from /etc/db.key".
 * Returns: 0 or -errno; then the directory may be left half-made.
 */
int credentials_make(const char *dir, char *const *list, const struct spawn_user *user, char *why,
		     size_t size);

/**
 * Removes the directory and what lies in it. A worker that has slotd's own user may have added to
 * it: directories with something in them, and more than a thousand files, are left.
 *
 * Returns: 0, also if there is none; -ENOTEMPTY; another -errno.
 */
int credentials_remove(const char *dir);
