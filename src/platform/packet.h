#pragma once

/**
 * Messages through a socket, one a packet, without a loop: what channel.c does in one, and what a
 * helper without one (slotd-spawn) needs.
 */

#include <slotd/message.h>

/** Never waits. 0 or -errno. Borrows all. */
int packet_send(int fd, const void *data, size_t len, const int *fds, unsigned n_fds);
/** Never waits. 1: a message; 0: EOF; -EBADMSG: one that was refused; another -errno. */
int packet_receive(int fd, struct message *m);
/** Holds some descriptors free, for those that come with messages. */
void packet_reserve_fds(void);
