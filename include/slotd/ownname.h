#pragma once

/**
 * Names in the file system that slotd makes: pid file, sockets, records, logs of jobs.
 *
 * A path of the configuration may name what is not slotd's: a device, a pipe, a link, a file of
 * somebody else. Therefore only regular files are written, only sockets and regular files are
 * removed, and a name is removed only while it names the very thing that slotd made: the device
 * and inode of a struct own_name. Whoever keeps one keeps the thing open too (the listening
 * socket, the file), or its inode's number could be given to another.
 *
 * A link is followed to the name that is written. Whose it may be: root's, slotd's user's, or the
 * owner's of what it names, who could change that anyway. A link that ends at a descriptor
 * (/dev/stdout, /proc/self/fd/1) names no file of slotd's, whatever the descriptor is.
 */

#include <slotd/diag.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct own_name {
	char *path; /* as it was given; NULL: there is none */
	char *real; /* links followed */
	dev_t dev;
	ino_t ino;
	bool lost; /* for its owner: it went away, which was said */
};

/**
 * links_resolve (slotd/links.h) by the rule above.
 */
int own_name_resolve(const char *path, char *buf, size_t size, struct diag *diag);

/**
 * Opens a regular file, or makes it: without truncation, without waiting for the other end of a
 * pipe, without touching what is no regular file. The descriptor is close-on-exec.
 *
 * @flags  access mode, O_CREAT, O_EXCL, O_APPEND; O_NONBLOCK: -EAGAIN where somebody has a lease
 *         on it, instead of waiting for its end.
 * Returns: 0, or -errno and a sentence; -EINVAL: it is no regular file; -EPERM, -ENXIO as above.
 */
int own_file_open(const char *path, int flags, mode_t mode, struct diag *diag, int *ret_fd);

/** Notes what path names now as made by us. 0 or -errno. Replaces what *ret had. */
int own_name_note(struct own_name *ret, const char *path);
/** Hands it over: *from is empty afterwards. */
struct own_name own_name_take(struct own_name *from);
/** Does whoever opens the path as it was given get what we made? */
bool own_name_stands(const struct own_name *n);
/** Removes the name if it still names what we made; n is empty afterwards. */
void own_name_remove(struct own_name *n);
/** Forgets it, and leaves the file system as it is. Accepts an empty one. */
void own_name_done(struct own_name *n);
