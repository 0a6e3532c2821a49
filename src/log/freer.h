#pragma once

/**
 * Gives back the space of log files that were removed, in a thread of its own. The kernel frees the
 * pages and blocks of a file when its last descriptor is closed, which takes milliseconds for one
 * of 10 MB: meanwhile a fast worker fills its pipe and has to wait.
 */

/**
 * Removes the name of a file in a directory. Its space is given back soon afterwards, or at once if
 * there is no descriptor, thread or memory for that.
 *
 * Returns: 0 or -errno of unlinkat(2).
 */
int freer_unlink(int dir, const char *name);
