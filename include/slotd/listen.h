#pragma once

/**
 * Listening sockets, which are never shared with another process by accident; and which process
 * holds an address that is not free.
 */

#include <slotd/diag.h>
#include <slotd/ownname.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct listen_options {
	int backlog;	/* 0: the highest that the system allows */
	mode_t mode;	/* unix sockets; (mode_t)-1: by the umask */
	uid_t uid;	/* unix sockets; (uid_t)-1: unchanged */
	gid_t gid;	/* unix sockets; (gid_t)-1: unchanged */
	bool datagrams; /* listen_unix: the socket is of a type that does not listen */
	bool nameless;	/* do not look for the holder of a TCP address; for calls in the loop */
};

/**
 * Binds and listens. TCP sockets get SO_REUSEPORT (later handoffs join the group) and V6ONLY. A
 * trial bind without SO_REUSEPORT comes first, so that the address is not shared with another
 * owner. Unix sockets are made as by listen_unix.
 *
 * @address   "127.0.0.1:8000", "[::]:8000", "unix:/x".
 * @ret_name  the name of a unix socket, which the caller removes. May be NULL.
 * Returns:   0, or -errno and a sentence; for -EADDRINUSE it names the holder, by listen_holder.
 */
int listen_open(const char *address, const struct listen_options *options, struct diag *diag,
		int *ret_fd, struct own_name *ret_name);

/**
 * Sets owner and mode of a unix socket that has been made before, to what listen_unix would give it
 * now; a mode by the umask is left. Does nothing if the name is empty or another one's by now.
 *
 * Returns: 0, or -errno and a sentence.
 */
int listen_give(const struct own_name *name, const struct listen_options *options,
		struct diag *diag);

/**
 * Binds a unix socket to a path and listens; nobody can connect before mode and owner are right. A
 * link is followed. A socket on which nobody listens any more is replaced; anything else is not.
 *
 * @fd        a socket of any type that can listen, or of datagrams. Borrowed.
 * @ret_name  as above.
 * Returns:   0, or -errno and a sentence; -EADDRINUSE: somebody listens there; -EEXIST: the path
 *            is not a socket.
 */
int listen_unix(int fd, const char *path, const struct listen_options *options, struct diag *diag,
		struct own_name *ret_name);

/** Sets the backlog of a socket that listens already to that of the options. Returns 0 or -errno.
 */
int listen_again(int fd, const struct listen_options *options);

/**
 * Gives a socket that is there what the options say: its backlog, and owner and mode as listen_give
 * does. At worst its backlog stays.
 *
 * Returns: what listen_give does.
 */
int listen_refresh(int fd, const struct own_name *name, const struct listen_options *options,
		   struct diag *diag);

/** Could this TCP address be bound now? True for what is not a TCP address. */
bool listen_is_free(const char *address);

/**
 * Says who listens on this TCP address: "gunicorn (pid 700)", "gunicorn (pid 700) under supervisord
 * (pid 655)". It reads all of /proc: for start-up, reloads and children, not for the loop.
 *
 * Returns: buf; "another process" if the process cannot be seen.
 */
const char *listen_holder(const char *address, char *buf, size_t size);
