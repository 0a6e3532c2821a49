#pragma once

/**
 * Public listening sockets: made so that nobody's are shared by accident, and who holds an
 * address that is not free.
 */

#include <slotd/diag.h>
#include <slotd/ownname.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct listen_options {
	int backlog;   /* 0: the system's highest */
	mode_t mode;   /* unix sockets; (mode_t)-1: as the umask has it */
	uid_t uid;     /* unix sockets; (uid_t)-1: unchanged */
	gid_t gid;     /* unix sockets; (gid_t)-1: unchanged */
	bool nameless; /* who holds a TCP address is not looked for: in the loop */
};

/**
 * Binds and listens. TCP sockets get SO_REUSEPORT (later handoffs join the group) and V6ONLY; a
 * plain trial bind comes first, so that another owner is found instead of shared with. Unix
 * sockets: as listen_unix.
 *
 * @address   "127.0.0.1:8000", "[::]:8000", "unix:/x".
 * @ret_name  of a unix socket: its name, the caller's to remove. May be NULL.
 * Returns:   0, or -errno and a sentence; -EADDRINUSE: it names the holder, by listen_holder.
 */
int listen_open(const char *address, const struct listen_options *options, struct diag *diag,
		int *ret_fd, struct own_name *ret_name);

/**
 * Binds a unix socket to a path and listens; nobody may connect before mode and owner are right. A
 * link is followed. A socket that nobody listens on any more is replaced; what is no socket is
 * not.
 *
 * @fd        of any type that listens. Borrowed.
 * @ret_name  as above.
 * Returns:   0, or -errno and a sentence; -EADDRINUSE: somebody listens there, -EEXIST: it is no
 *            socket.
 */
int listen_unix(int fd, const char *path, const struct listen_options *options, struct diag *diag,
		struct own_name *ret_name);

/** Of a socket that listens already: the backlog becomes that of the options. 0 or -errno. */
int listen_again(int fd, const struct listen_options *options);

/** Could somebody bind this TCP address now? True for what is none. */
bool listen_is_free(const char *address);

/**
 * Who listens on this TCP address: "gunicorn (pid 700)", "gunicorn (pid 700) under supervisord
 * (pid 655)". Reads all of /proc: for start-up, reloads and children, not for the loop.
 *
 * Returns: buf; "another process" when it cannot be seen.
 */
const char *listen_holder(const char *address, char *buf, size_t size);
