#pragma once

/**
 * The switchboard: a memfd that only slotd can write to, and that every relay maps read-only. A
 * 64-bit word for each service, which is loaded atomically, says which slot is live. A flip is one
 * store.
 *
 * Each relay writes a page of its own (struct relay_page) with counts for each worker; slotd adds
 * them up.
 */

#include <slotd/usec.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum slot_id {
	SLOT_A,
	SLOT_B,
	SLOT_MAX_,
	SLOT_INVALID_ = -22,
};

/** Returns "a" or "b". */
const char *slot_name(enum slot_id slot);
/** Returns SLOT_INVALID_ for anything but "a" and "b". */
enum slot_id slot_from_name(const char *name);
/** Returns the other slot. */
static inline enum slot_id slot_other(enum slot_id slot)
{
	return slot == SLOT_A ? SLOT_B : SLOT_A;
}

enum switch_mode {
	SWITCH_OPEN,	/* accept connections and place them */
	SWITCH_HOLD,	/* do not accept: no worker is up, or the service was paused or stopped */
	SWITCH_OFFLINE, /* accept connections, and answer them without a worker */
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
	uint16_t weight; /* new connections that go to the idle slot, of 10,000; 0: no canary */
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

/** The connections of a relay to a worker. Only that relay writes them, with relaxed stores. */
struct relay_counts {
	_Atomic uint32_t queued;     /* placed, but not connected yet */
	_Atomic uint32_t silent;     /* connected, but no byte has passed */
	_Atomic uint32_t in_request; /* a request is not wholly sent, or not wholly answered */
	_Atomic uint32_t between;    /* between requests: idle, and can be moved */
	_Atomic uint32_t pinned;     /* cannot be followed, and so cannot be moved */
	uint32_t reserved;
	_Atomic uint64_t total;	  /* connections placed since the relay started */
	_Atomic uint64_t failed;  /* of these: ended without a byte from any worker */
	_Atomic uint64_t retried; /* requests that it did not answer, and that another worker got */
	_Atomic uint64_t bytes_in, bytes_out;
};

struct relay_service_counts {
	_Atomic uint64_t accepted;
	_Atomic uint32_t waiting; /* accepted, but not placed: no byte yet (connect=late), between
				   * requests without a worker, held, or until the client closes */
	_Atomic uint32_t held;	  /* of these: have a byte and wait for a worker, because none is up
				   * or all have worker_max connections */
	_Atomic uint64_t last_placed_old; /* monotonic; when a connection was last placed on the
					   * slot that is idle now; to measure a flip */
};

/** How the requests to a worker went; of what is not followed as HTTP/1, each connection is one. */
struct relay_answers {
	_Atomic uint64_t answered;
	_Atomic uint64_t errors;  /* of the answered: with a status of 500 or more */
	_Atomic uint64_t refused; /* connections that it did not take */
	_Atomic uint64_t lost;	  /* it was gone before it answered, and nobody else was asked */
};

/** A sparse memfd for each relay: the relay writes it, slotd reads it, and zeroes it when the relay
 * has died. */
struct relay_page {
	uint32_t version;
	uint32_t reserved;
	struct relay_service_counts services[SWITCHBOARD_SERVICES];
	struct relay_counts workers[SWITCHBOARD_WORKERS];  /* by ledger index */
	struct relay_answers answers[SWITCHBOARD_WORKERS]; /* likewise */
};

/** The page of a relay that an older slotd has made ends before the answers. */
#define RELAY_PAGE_LEAST offsetof(struct relay_page, answers)

/**
 * What the relays of a pool tell each other: a memfd in which each relay writes the number of its
 * connections. A relay that has more than another one lets that one accept; otherwise the first
 * that wakes up would accept them all. slotd zeroes the number of a dead relay.
 */
struct relay_pool {
	_Atomic uint32_t conns[SWITCHBOARD_RELAYS]; /* by TAG_INDEX */
};
