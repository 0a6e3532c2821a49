#pragma once

/**
 * Names in the file system that slotd creates: pid file, sockets, records, logs of jobs.
 *
 * A path in the configuration may name something that does not belong to slotd: a device, a pipe, a
 * link, somebody else's file. Therefore slotd writes only to regular files, removes only sockets
 * and regular files, and removes a name only while it still names what slotd has created, by the
 * device and inode in a struct own_name. The owner of a struct own_name keeps the file or socket
 * open as well, because otherwise its inode number could be used again.
 *
 * A link is followed if it belongs to root, to slotd's user, or to the owner of what it points to,
 * who could change that anyway. A link that ends at a descriptor (/dev/stdout, /proc/self/fd/1)
 * never names a file of slotd, whatever the descriptor is.
 */

#include <slotd/diag.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct own_name {
	char *path; /* as it was given; NULL: there is no name */
	char *real; /* path, with links followed */
	dev_t dev;
	ino_t ino;
	bool lost; /* the name is missing, which was logged */
};

/** Like links_resolve (slotd/links.h), by the rule above. */
int own_name_resolve(const char *path, char *buf, size_t size, struct diag *diag);

/**
 * Opens or creates a regular file, without truncating it. It neither waits for the other end of a
 * pipe nor touches anything else than a regular file. The descriptor is close-on-exec.
 *
 * @flags  access mode, O_CREAT, O_EXCL, O_APPEND; with O_NONBLOCK it returns -EAGAIN if somebody
 *         has a lease on the file, instead of waiting for its end.
 * Returns: 0, or -errno and a sentence; -EINVAL: it is not a regular file; -EPERM, -ENXIO as in
 *          links_resolve.
 */
int own_file_open(const char *path, int flags, mode_t mode, struct diag *diag, int *ret_fd);

/** Records what path names now as created by slotd, in the place of what *ret had. Returns 0 or
 * -errno. */
int own_name_note(struct own_name *ret, const char *path);
/** Hands a name over: *from is empty afterwards. */
struct own_name own_name_take(struct own_name *from);
/** Does the path, as it was given, still lead to what slotd has created? */
bool own_name_stands(const struct own_name *n);
/** Removes the name if it still names what slotd has created; n is empty afterwards. */
void own_name_remove(struct own_name *n);
/** Forgets the name, and leaves the file system as it is. Accepts an empty one. */
void own_name_done(struct own_name *n);
