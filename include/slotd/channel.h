#pragma once

/**
 * A channel: one end of a SOCK_SEQPACKET pair between slotd and a helper, watched by a loop.
 *
 * Sending never blocks. What the peer does not take at once is queued up to a bound; beyond it
 * channel_send answers -ENOBUFS and the caller decides (state is sent again later by generation,
 * a request is failed). A peer that has taken nothing for stall_after while something is queued
 * (of a prompt one: while something is unread) is reported by the stalled callback: slotd restarts
 * such a helper.
 */

#include <slotd/log.h>
#include <slotd/loop.h>
#include <slotd/message.h>

struct channel;

struct channel_ops {
	/** A valid message came. It owns m->fds until it takes them (message_take_fd). */
	void (*received)(struct channel *ch, struct message *m);
	/** EOF or an error (negative errno; 0 for EOF). Watching has stopped. May be NULL. */
	void (*closed)(struct channel *ch, int error);
	/** Everything queued was sent. May be NULL. */
	void (*drained)(struct channel *ch);
	/** The peer read nothing for stall_after. May be NULL. */
	void (*stalled)(struct channel *ch);
	/** A message was none that a decoder takes, the first or another after a minute: ch->bad
	 * says how many there were. May be NULL. */
	void (*refused)(struct channel *ch);
};

enum {
	CHANNEL_QUEUE_BYTES = 4 << 20,
};

struct channel_packet;

struct channel {
	struct loop *loop;
	const struct channel_ops *ops;
	void *owner;
	int fd;
	struct loop_io io;
	struct loop_timer stall;
	usec_t stall_after; /* USEC_NEVER: never */
	bool prompt;	    /* the peer is one that never has a reason to leave messages unread */
	int unread;	    /* by a prompt peer, after the last message was sent */
	struct channel_packet *head, *tail;
	size_t queued; /* bytes */
	uint64_t bad;  /* messages refused by the decoder */
	struct log_once bad_told;
};

/** A connected pair, close-on-exec and non-blocking. 0 or -errno. */
int channel_pair(int *ret_ours, int *ret_theirs);

/** Starts watching. Takes fd; keeps loop and ops. */
void channel_init(struct channel *ch, struct loop *loop, int fd, const struct channel_ops *ops,
		  void *owner);
/** Of what comes in one turn of the loop, messages are received first. */
void channel_first(struct channel *ch);
/** Stops watching, drops the queue, closes. Harmless when zeroed. */
void channel_done(struct channel *ch);
/** The peer has ended: what it had sent is received now. */
void channel_receive_rest(struct channel *ch);
/** Waits for the peer once more; for the stalled callback. */
void channel_stall_again(struct channel *ch);
/** Has it a peer: neither closed nor zeroed? */
bool channel_open(const struct channel *ch);

/**
 * Sends or queues. Borrows m; its descriptors are duplicated if it has to be queued, so the
 * caller closes its own either way.
 *
 * Errors: -ENOBUFS (queue full), -ENOTCONN (closed), -EMFILE/-ENOMEM.
 */
int channel_send(struct channel *ch, struct message *m);
/** True when nothing waits to be sent: the time to send state of lower urgency. */
bool channel_idle(const struct channel *ch);

/** One message without a loop, blocking at most timeout; for start-up. -ETIMEDOUT, -ECONNRESET. */
int channel_receive_wait(int fd, struct message *m, usec_t timeout);
/** Sends without a loop, waiting for room. For start-up and tests. */
int channel_send_wait(int fd, struct message *m);
