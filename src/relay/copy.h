#pragma once

/**
 * Bytes from one side of a connection to the other: by one shared buffer, or by splice(2) through
 * a pooled pipe once reads come in big. An idle connection holds neither; what its peer does not
 * take is kept in a parcel of just that size (or in the pipe it is in) until it does.
 *
 * Nothing more is read for a side that has a parcel, so memory is bounded by one read a side.
 */

#include <slotd/loop.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	COPY_HEADROOM = 256,	     /* before the data, for a PROXY header */
	COPY_SIZE = 128 * 1024,	     /* of the shared buffer */
	COPY_SIZE_SLOW = 16 * 1024,  /* for a peer that has lately not kept up */
	COPY_SLOW_FOR = 8,	     /* moves without a stop until it is trusted again */
	COPY_BULK_READ = 64 * 1024,  /* reads of this size... */
	COPY_BULK_AFTER = 3,	     /* ...in a row make the next a splice */
	COPY_BULK_LEAVE = 16 * 1024, /* a splice that moves less ends that */
	COPY_BULK_HEAD = 2 * 1024,   /* so much is looked at of what may begin a bulk */
	COPY_PIPE_SIZE = 256 * 1024,
	COPY_PIPES_MAX = 32,  /* half of fs.pipe-user-pages-soft with 4 relays of one user */
	COPY_PIPES_SPARE = 4, /* kept open while unused */
	/* Bytes of one side per wake-up. Long runs cost half the CPU of short ones, for the peers
	 * stay awake; where small messages pass too, they must not wait that long. */
	COPY_TURN = 4 * 1024 * 1024,
	COPY_TURN_SHARED = 512 * 1024,
	COPY_SMALL_FOR = 64, /* bulk moves after a small one in which that holds */
};

struct parcel;

/** One end of a connection. */
struct side {
	struct loop_io io;
	struct parcel *unsent; /* read from the other side, not taken by this one yet */
	int fd;
	bool eof;      /* it will send nothing more */
	bool broken;   /* it takes nothing more */
	bool one_shot; /* its next words are likely its last: look for the end along with them */
	uint8_t big_reads;
	uint8_t slow;
	uint8_t index;	/* which of its owner's sides this is: for the owner */
	uint16_t ahead; /* so many of its next bytes were heard already, but not read */
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
	 * What a side says, before it is passed on; data is NULL where it passed unseen.
	 * Returns: so many of its next bytes need not be looked at.
	 */
	uint64_t (*heard)(struct side *from, const unsigned char *data, size_t len);
};

/** 0 or -errno. heard is left to be set. */
int copier_init(struct copier *c);
void copier_done(struct copier *c);
/** Where reads go; COPY_HEADROOM bytes before it are free, COPY_SIZE from it on. */
static inline unsigned char *copier_buffer(const struct copier *c)
{
	return c->memory + COPY_HEADROOM;
}

enum flow {
	FLOW_ON,      /* come again when there is more to read */
	FLOW_BLOCKED, /* to->unsent is set: come again when it can be written */
	FLOW_EOF,     /* from has ended its half; all it sent was passed on */
	FLOW_RESET,   /* reading failed */
	FLOW_BROKEN,  /* writing failed */
	FLOW_SPILT,   /* what was read could not be kept */
};

/**
 * Moves what from has to the other side, a bounded amount.
 *
 * @unseen     so many of from's next bytes need not be looked at: they may be spliced.
 * @ret_bytes  what was read.
 */
enum flow copy_move(struct copier *c, struct side *from, struct side *to, uint64_t unseen,
		    size_t *ret_bytes);
/** Sends to's parcel on. FLOW_ON when there is none left. */
enum flow copy_flush(struct copier *c, struct side *to);
/** No end follows what was sent to that side last: it need not wait for one. */
void copy_push(const struct side *to);

/** Keeps bytes as to's parcel. 0, -ENOMEM. */
int parcel_keep(struct side *to, const void *data, size_t len);
/** The bytes of a parcel made by parcel_keep; NULL and 0 without one. */
const unsigned char *parcel_data(const struct side *to, size_t *ret_len);
/** n more of its bytes were sent; drops it when that were all. */
void parcel_advance(struct copier *c, struct side *to, size_t n);
void parcel_drop(struct copier *c, struct side *to);
