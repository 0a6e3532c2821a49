#pragma once

/**
 * Public listening sockets: made so that nobody's are shared by accident, and who holds an
 * address that is not free.
 */

#include <slotd/diag.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct listen_options {
	int backlog; /* 0: the system's highest */
	mode_t mode; /* unix sockets; (mode_t)-1: as the umask has it */
	uid_t uid;   /* unix sockets; (uid_t)-1: unchanged */
	gid_t gid;   /* unix sockets; (gid_t)-1: unchanged */
};

/**
 * Binds and listens. TCP sockets get SO_REUSEPORT (later handoffs join the group) and V6ONLY; a
 * plain trial bind comes first, so that another owner is found instead of shared with. A unix
 * socket takes its name when mode and owner are right; a stale one is replaced.
 *
 * @address  "127.0.0.1:8000", "[::]:8000", "unix:/x".
 * Returns:  0, or -errno and a sentence that names the holder (-EADDRINUSE).
 */
int listen_open(const char *address, const struct listen_options *options, struct diag *diag,
		int *ret_fd);

/** Could somebody bind this TCP address now? True for what is none. */
bool listen_is_free(const char *address);

/**
 * Who listens on this TCP address: "gunicorn (pid 700)", "gunicorn (pid 700) under supervisord
 * (pid 655)". Reads all of /proc: for start-up, reloads and children, not for the loop.
 *
 * Returns: buf; "another process" when it cannot be seen.
 */
const char *listen_holder(const char *address, char *buf, size_t size);
