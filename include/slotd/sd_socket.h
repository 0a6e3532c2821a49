#pragma once

/**
 * The socket at which workers say how they are (NOTIFY_SOCKET, sd_notify(3)): datagrams, with the
 * kernel's word for who has sent each.
 */

#include <slotd/diag.h>
#include <slotd/ownname.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	DATAGRAM_TEXT_MAX = 4096, /* as systemd takes */
};

struct datagram {
	pid_t pid;   /* the sender; 0: not known */
	pid_t group; /* its process group; 0: not known, for it has ended */
	uid_t uid;   /* its user */
	int fd; /* the descriptor that came along, if it was only one; -EBADF. The receiver's */
	size_t len;
	bool cut; /* it was longer */
	char text[DATAGRAM_TEXT_MAX];
};

/**
 * Binds the socket to a path, where every user may send to it. What a former process has left there
 * is replaced.
 *
 * @ret_name  the caller removes it.
 * Returns:   0, or -errno and a sentence.
 */
int sd_socket_open(const char *path, struct diag *diag, int *ret_fd, struct own_name *ret_name);

/** Takes the next datagram. Returns 1; 0 if there is none; -errno. */
int sd_socket_receive(int fd, struct datagram *ret);
