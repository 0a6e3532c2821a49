#pragma once

/**
 * Messages through a socket, one in each packet, without a loop: for channel.c, and for
 * slotd-spawn, which has no loop.
 */

#include <slotd/message.h>

/** Sends a message without waiting. Borrows all. Returns 0 or -errno. */
int packet_send(int fd, const void *data, size_t len, const int *fds, unsigned n_fds);
/** Receives a message without waiting. Returns 1; 0 at EOF; -EBADMSG for a message that is not
 * valid; another -errno. */
int packet_receive(int fd, struct message *m);
/** Reserves some descriptors, for those that come with messages. */
void packet_reserve_fds(void);
