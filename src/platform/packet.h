#pragma once

/**
 * Packets of messages through a socket, without a loop: for channel.c, and for slotd-spawn, which
 * has no loop.
 */

#include <slotd/message.h>

/** Sends a packet without waiting. Borrows all. Returns 0 or -errno. */
int packet_send(int fd, const void *data, size_t len, const int *fds, unsigned n_fds);
/** What a packet holds behind the message that was taken of it last. */
struct packet_rest {
	size_t at, len; /* nothing is left when they are the same */
	unsigned char data[MESSAGE_MAX];
};

/**
 * Receives a packet without waiting, and takes its first message.
 *
 * @rest  gets what follows it. NULL: a packet of more than one message is not valid.
 * Returns: 1; 0 at EOF; -EBADMSG for a packet whose first message is not valid, of which nothing is
 *          left then; another -errno.
 */
int packet_receive(int fd, struct message *m, struct packet_rest *rest);
/** Takes the next message of rest. Returns 1; 0 when nothing is left; -EBADMSG for one that is not
 * valid, and nothing is left then. */
int packet_next(struct packet_rest *rest, struct message *m);
/** Reserves some descriptors, for those that come with messages. */
void packet_reserve_fds(void);
