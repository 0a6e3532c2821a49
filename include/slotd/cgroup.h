#pragma once

/**
 * Control groups (cgroups(7), version 2) below the one that systemd has given to slotd
 * (Delegate=yes). They only tell which processes belong together: no controller is enabled, because
 * systemd 252 could not start slotd again in a group of which slotd has enabled one.
 *
 * A group is named by its directory's name below a descriptor of the directory above.
 */

#include <slotd/usec.h>

#include <sys/types.h>

/**
 * Opens the group that was given to this process, and moves the process to one below it, called
 * own, so that none is left in an inner node.
 *
 * Returns: a descriptor; -ENOENT if systemd has not started this very process, or has given it no
 *          group; another -errno.
 */
int cgroup_enter(const char *own);

/** Makes the group if it is missing. Returns a descriptor of its directory, or -errno. */
int cgroup_make(int above, const char *name);

/** Moves the calling process to the group of that descriptor. Returns 0 or -errno. */
int cgroup_join(int group);

/** Removes the group. Returns 0, also if there is none; -EBUSY: there are processes in it. */
int cgroup_remove(int above, const char *name);

/** Kills all processes in the group. Returns 0, also if there is none; or -errno. */
int cgroup_kill(int above, const char *name);

/**
 * Lists processes in the group.
 *
 * Returns: how many there are, of which *ret has up to max; -errno.
 */
int cgroup_pids(int above, const char *name, pid_t *ret, unsigned max);

/**
 * Has an inotify descriptor tell when the last process of the group ends.
 *
 * Returns: the number of the watch; -errno.
 */
int cgroup_watch(int inotify_fd, int above, const char *name);
