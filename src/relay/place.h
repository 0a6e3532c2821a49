#pragma once

/**
 * Placing: which slot and which worker a connection goes to. Pure: no system call, no clock.
 *
 * A worker that has just refused a connect is avoided for a short while that doubles with every
 * refusal, so a connection tries each worker once and then waits instead of spinning. Counts are
 * this relay's own: the listening sockets spread connections evenly over the relays.
 *
 * The caller looks after moving bytes; placing knows nothing of it, so that a request of a
 * kept-alive client can be placed by the same functions.
 */

#include <slotd/handoff.h>
#include <slotd/switchboard.h>
#include <slotd/usec.h>
#include <slotd/vec.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	PLACE_NO_LIMIT = UINT32_MAX,
	PLACE_WEIGHT_WHOLE = 10000,
};

#define PLACE_AVOID_FIRST MSECONDS(10)
#define PLACE_AVOID_MAX	  MSECONDS(200)

/** What placing knows of one worker. */
struct place_worker {
	uint32_t key; /* place in the ledger: the worker's identity while others come and go */
	bool up;
	uint32_t open;	     /* connections placed on it that it has not ended */
	uint32_t limit;	     /* how many it may have from this relay, or PLACE_NO_LIMIT */
	usec_t avoid_until;  /* 0: it has not refused */
	unsigned n_refusals; /* in a row */
	usec_t slow_until;   /* it does not accept: others are preferred */
};

/** The workers of one slot; borrowed. */
struct place_table {
	VEC(struct place_worker *) workers;
	size_t cursor; /* where the next turn of round robin begins */
};

/**
 * The slot a new connection goes to.
 *
 * @dice  evenly distributed: a random number, or place_hash of the client to keep it on one side.
 */
enum slot_id place_slot(struct switch_word word, uint32_t dice);

/**
 * The worker a new connection goes to. Moves the cursor; counts nothing.
 *
 * @hash  place_hash of the client; 0: not known, then BALANCE_SOURCE takes turns.
 * Returns: NULL when none can take it now: not up, full, or to be avoided until place_retry_at.
 */
struct place_worker *place_choose(struct place_table *t, enum balance balance, uint32_t hash,
				  usec_t now);
/** Is any worker up, whether or not it can take one more? */
bool place_any_up(const struct place_table *t);
/** Is any worker up that has not just refused? */
bool place_any_reachable(const struct place_table *t, usec_t now);
/** When the first of the avoided workers may be tried again; USEC_NEVER when none is avoided. */
usec_t place_retry_at(const struct place_table *t, usec_t now);

/** A connect failed. */
void place_refused(struct place_worker *w, usec_t now);
/** A connect succeeded, or slotd says that the worker is up. */
void place_welcomed(struct place_worker *w);

/**
 * This relay's share of a worker's worker_max. The shares of all relays add up to max; which of
 * them gets the remainder differs from worker to worker.
 */
uint32_t place_share(uint32_t max, uint32_t relay, uint32_t n_relays, uint32_t key);

/** Should a relay with own connections leave the next to one that has least? */
bool place_leaves_to(uint32_t own, uint32_t least);

/** Hash of a client's address without its port. 0 for clients without one (unix sockets). */
uint32_t place_hash(const struct sockaddr *client);
