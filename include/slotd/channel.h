#pragma once

/**
 * A channel: one end of a SOCK_SEQPACKET pair between slotd and a helper, watched by a loop.
 *
 * Sending never blocks. A peer may understand several messages in a packet (packs). To such a peer
 * the first message of a turn is sent at once (to a patient one it is not); those that follow in
 * the same turn are collected and sent at its end in few packets: each of a thousand workers that
 * end makes several.
 *
 * What the peer does not accept at once is queued, up to a bound; beyond it channel_send returns
 * -ENOBUFS and the caller decides (state is sent again later by generation, a request fails). If a
 * peer has accepted nothing for stall_after while something is queued (for a prompt peer: while
 * something is unread), the stalled callback reports it, and slotd restarts that helper.
 */

#include <slotd/log.h>
#include <slotd/loop.h>
#include <slotd/message.h>

struct channel;

struct channel_ops {
	/** A valid message has arrived. The message owns its descriptors until the callback takes
	 * them (message_take_fd). */
	void (*received)(struct channel *ch, struct message *m);
	/** The channel has ended: error is 0 for EOF, else a negative errno. It is no longer
	 * watched. May be NULL. */
	void (*closed)(struct channel *ch, int error);
	/** Everything that was queued has been sent. May be NULL. */
	void (*drained)(struct channel *ch);
	/** The peer has read nothing for stall_after. May be NULL. */
	void (*stalled)(struct channel *ch);
	/** The decoder has refused a message. Called for the first one, and then at most once a
	 * minute; ch->bad counts them. May be NULL. */
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
	bool prompt;	    /* the peer never has a reason to leave messages unread */
	int unread; /* bytes a prompt peer had not read after the turn it was sent something */
	int unread_before; /* the same before the first message of this turn */
	struct loop_idle turn_end;
	bool packs;   /* the peer understands several messages in a packet */
	bool patient; /* nothing waits for what such a peer does: the first is collected, too */
	bool sent;    /* to such a peer, something in this turn */
	bool full;    /* the peer takes nothing now */
	struct channel_packet *head, *tail;
	size_t queued; /* bytes */
	uint64_t bad;  /* messages refused by the decoder */
	struct log_once bad_told;
};

/** Makes a connected pair, close-on-exec and non-blocking. Returns 0 or -errno. */
int channel_pair(int *ret_ours, int *ret_theirs);

/** Starts watching. Takes fd; keeps loop and ops. */
void channel_init(struct channel *ch, struct loop *loop, int fd, const struct channel_ops *ops,
		  void *owner);
/** In each turn of the loop, messages of this channel are handled before other events. */
void channel_first(struct channel *ch);
/** Stops watching, sends what was collected in this turn, drops the queue and closes the
 * descriptor. Accepts a zeroed channel. */
void channel_done(struct channel *ch);
/** Receives what a peer that has ended had still sent. */
void channel_receive_rest(struct channel *ch);
/** Gives the peer stall_after once more; for the stalled callback. */
void channel_stall_again(struct channel *ch);
/** Is the channel open, that is neither closed nor zeroed? */
bool channel_open(const struct channel *ch);

/**
 * Sends or queues a message. Borrows m; if the message has to be queued, its descriptors are
 * duplicated, so the caller closes its own in any case.
 *
 * Errors: -ENOBUFS (queue full), -ENOTCONN (closed), -EMFILE/-ENOMEM.
 */
int channel_send(struct channel *ch, struct message *m);
/** Sends what was collected in this turn; for what must arrive though this process may end now. */
void channel_push(struct channel *ch);
/** Has the peer taken all that was sent? Then less urgent state may be sent. */
bool channel_idle(const struct channel *ch);

/** Receives one message without a loop, blocking for at most timeout; for start-up. Returns 0,
 * -ETIMEDOUT, -ECONNRESET or another -errno. */
int channel_receive_wait(int fd, struct message *m, usec_t timeout);
/** Sends a message without a loop, waiting for room; for start-up and tests. */
int channel_send_wait(int fd, struct message *m);
