#pragma once

/**
 * The switchboard: a memfd that only slotd can write and every relay maps read-only. One 64-bit
 * word per service says, in one atomic load, who is live. A flip is one store.
 *
 * Each relay writes a page of its own (struct relay_page) with counts per worker; slotd sums them.
 */

#include <slotd/usec.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum slot_id {
	SLOT_A,
	SLOT_B,
	SLOT_MAX_,
	SLOT_INVALID_ = -22,
};

/** "a", "b". */
const char *slot_name(enum slot_id slot);
/** SLOT_INVALID_ for anything but "a" and "b". */
enum slot_id slot_from_name(const char *name);
/** The one that is not this. */
static inline enum slot_id slot_other(enum slot_id slot)
{
	return slot == SLOT_A ? SLOT_B : SLOT_A;
}

enum switch_mode {
	SWITCH_OPEN, /* accept and place */
	SWITCH_HOLD, /* do not accept: no worker up, pause, the live slot was stopped by hand */
	SWITCH_MODE_MAX_,
	SWITCH_MODE_INVALID_ = -22,
};

enum {
	SWITCHBOARD_SERVICES = 256,
	SWITCHBOARD_WORKERS = 8192, /* ledger entries that can be counted */
	SWITCHBOARD_RELAYS = 64,
	SWITCHBOARD_VERSION = 2,
};

/** The word, unpacked. */
struct switch_word {
	uint32_t generation; /* of the last change of this word */
	enum slot_id live;
	uint16_t weight; /* per 10,000 of new connections to the idle slot; 0 without canary */
	enum switch_mode mode;
};

/* generation:32 | weight:16 | mode:8 | live:8 */
static inline uint64_t switch_pack(struct switch_word w)
{
	return (uint64_t)w.generation << 32 | (uint64_t)w.weight << 16 |
	       (uint64_t)(uint8_t)w.mode << 8 | (uint64_t)(uint8_t)w.live;
}

static inline struct switch_word switch_unpack(uint64_t v)
{
	return (struct switch_word){
		.generation = (uint32_t)(v >> 32),
		.weight = (uint16_t)(v >> 16),
		.mode = (enum switch_mode)((v >> 8) & 0xff),
		.live = (v & 0xff) ? SLOT_B : SLOT_A,
	};
}

struct switch_entry {
	_Atomic uint64_t word;
	_Atomic uint64_t flipped_at; /* monotonic usec_t of the last change of live */
};

struct switchboard {
	uint32_t version;
	uint32_t reserved;
	struct switch_entry services[SWITCHBOARD_SERVICES]; /* by TAG_SERVICE_INDEX */
};

/** What one relay has open to one worker. Written by that relay only, with relaxed stores. */
struct relay_counts {
	_Atomic uint32_t queued;     /* placed, connect not finished */
	_Atomic uint32_t silent;     /* connected, no byte has passed */
	_Atomic uint32_t in_request; /* a request is not wholly sent or not wholly answered */
	_Atomic uint32_t between;    /* between requests: idle, and movable */
	_Atomic uint32_t pinned;     /* cannot be followed, so cannot be moved */
	uint32_t reserved;
	_Atomic uint64_t total;	  /* connections placed since the relay started */
	_Atomic uint64_t failed;  /* of these, ended without a byte from any worker */
	_Atomic uint64_t retried; /* requests that it did not answer and another worker got */
	_Atomic uint64_t bytes_in, bytes_out;
};

struct relay_service_counts {
	_Atomic uint64_t accepted;
	_Atomic uint32_t
		waiting;       /* accepted, not placed: no byte yet (connect=late), between
				* requests without a worker, held, or awaiting the client's end */
	_Atomic uint32_t held; /* of these, have a byte and wait for a worker: none is up, or
				* all have worker_max connections */
	_Atomic uint64_t last_placed_old; /* monotonic; last time a connection was placed on the
					   * slot that is idle now, for measuring a flip */
};

/** One per relay, a sparse memfd: relay writes, slotd reads and zeroes after the relay's death. */
struct relay_page {
	uint32_t version;
	uint32_t reserved;
	struct relay_service_counts services[SWITCHBOARD_SERVICES];
	struct relay_counts workers[SWITCHBOARD_WORKERS]; /* by ledger index */
};

/**
 * What all relays of a pool tell each other: a memfd that each of them writes its own place of.
 * One that has more connections than another lets that one accept; else the first to wake up
 * would take them all. slotd zeroes a dead relay's.
 */
struct relay_pool {
	_Atomic uint32_t conns[SWITCHBOARD_RELAYS]; /* by TAG_INDEX */
};
