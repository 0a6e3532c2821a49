#pragma once

/**
 * Moves bytes from one side of a connection to the other: through a shared buffer, or, once reads
 * are large, by splice(2) through a pooled pipe. An idle connection has neither. What the peer does
 * not accept is kept in a parcel of just that size (or stays in the pipe) until it does.
 *
 * Nothing more is read for a side that has a parcel, so memory is bounded by one read for each
 * side.
 */

#include <slotd/loop.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	COPY_HEADROOM = 256,	     /* before the data, for a PROXY header */
	COPY_SIZE = 128 * 1024,	     /* of the shared buffer */
	COPY_SIZE_SLOW = 16 * 1024,  /* for a peer that has lately not kept up */
	COPY_SLOW_FOR = 8,	     /* moves without a stop until that is over */
	COPY_BULK_READ = 64 * 1024,  /* reads of this size... */
	COPY_BULK_AFTER = 3,	     /* ...in a row make the next a splice */
	COPY_BULK_LEAVE = 16 * 1024, /* a splice that moves less is the last one */
	COPY_HEAD_SHORT = 512,	     /* bytes that are looked at before what may be a large body, */
	COPY_HEAD_LONG = 2 * 1024,   /* or so many if that is not the whole head */
	COPY_PIPE_SIZE = 256 * 1024,
	COPY_PIPES_MAX = 32,  /* half of fs.pipe-user-pages-soft with 4 relays of one user */
	COPY_PIPES_SPARE = 4, /* kept open while unused */
	/* Bytes of one side per wake-up. Long runs cost half the CPU of short ones, because the
	 * peers stay awake; if there are small messages as well, they must not wait that long. */
	COPY_TURN = 4 * 1024 * 1024,
	COPY_TURN_SHARED = 512 * 1024,
	COPY_SMALL_FOR = 64, /* for how many large moves after a small one that holds */
};

struct parcel;

/** One end of a connection. */
struct side {
	struct loop_io io;
	struct parcel *unsent; /* read from the other side, not accepted by this one yet */
	int fd;
	bool eof;      /* it will send nothing more */
	bool broken;   /* it accepts nothing more */
	bool one_shot; /* its next bytes are probably its last: check for the end with them */
	bool delays;   /* TCP_NODELAY is to be set before its second write: many have only one */
	uint8_t big_reads;
	uint8_t slow;
	uint8_t index;	/* for the owner: which of its sides this is */
	uint16_t ahead; /* number of its next bytes that were heard already, but not read */
};

struct pipe_pair {
	int read_fd, write_fd;
	size_t size;
};

struct copier {
	unsigned char *memory; /* COPY_HEADROOM + COPY_SIZE */
	struct pipe_pair spare[COPY_PIPES_SPARE];
	unsigned n_spare, n_pipes;
	unsigned small_lately;
	/**
	 * Called with what a side has sent, before it is passed on; data is NULL if it was spliced.
	 * Returns: how many of the next bytes need not be looked at.
	 */
	uint64_t (*heard)(struct side *from, const unsigned char *data, size_t len);
};

/** Sets a copier up; the caller sets heard. Returns 0 or -errno. */
int copier_init(struct copier *c);
void copier_done(struct copier *c);
/** Returns the buffer for reads, of COPY_SIZE bytes; COPY_HEADROOM bytes before it are free. */
static inline unsigned char *copier_buffer(const struct copier *c)
{
	return c->memory + COPY_HEADROOM;
}

enum flow {
	FLOW_ON,      /* call again when there is more to read */
	FLOW_BLOCKED, /* to->unsent is set: call again when it can be written */
	FLOW_EOF,     /* from has ended its half, and all it sent was passed on */
	FLOW_RESET,   /* the peer has reset the connection */
	FLOW_LOST,    /* reading failed for another reason: what the peer has read is not known */
	FLOW_BROKEN,  /* writing failed */
	FLOW_SPILT,   /* what was read could not be kept */
};

/**
 * Moves bytes from one side to the other, up to a bound.
 *
 * @unseen     how many of the next bytes need not be looked at, and may be spliced.
 * @ret_bytes  how many bytes were read.
 */
enum flow copy_move(struct copier *c, struct side *from, struct side *to, uint64_t unseen,
		    size_t *ret_bytes);
/** Sends the parcel of a side. Returns FLOW_ON if nothing of it is left. */
enum flow copy_flush(struct copier *c, struct side *to);
/** No end follows what was sent to that side last: it need not wait for one. */
void copy_push(const struct side *to);

/** Keeps bytes as the parcel of a side. Returns 0 or -ENOMEM. */
int parcel_keep(struct side *to, const void *data, size_t len);
/** Returns the bytes of a parcel made by parcel_keep; NULL and 0 if there is none. */
const unsigned char *parcel_data(const struct side *to, size_t *ret_len);
/** n more bytes of the parcel were sent; drops it if nothing is left. */
void parcel_advance(struct copier *c, struct side *to, size_t n);
void parcel_drop(struct copier *c, struct side *to);
