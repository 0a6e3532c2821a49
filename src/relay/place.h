#pragma once

/**
 * Placing: decides to which slot and which worker a connection goes. Pure: no system call, no
 * clock.
 *
 * A worker that has just refused a connection is avoided for a short time, which doubles with every
 * refusal, so that a connection tries each worker once and then waits, instead of trying on. One
 * that is leaving counts as down. Counts are those of this relay: connections are shared evenly
 * among the relays.
 *
 * Moving bytes is up to the caller, so that a request of a kept-alive client can be placed by the
 * same functions.
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
	PLACE_NONE = UINT32_MAX, /* the key of no worker */
	PLACE_WEIGHT_WHOLE = 10000,
	/* Client addresses are told apart by so many numbers. */
	PLACE_SOURCES = 1024,
};

#define PLACE_AVOID_FIRST MSECONDS(10)
#define PLACE_AVOID_MAX	  MSECONDS(200)

/** What placing knows of one worker. */
struct place_worker {
	uint32_t key; /* index in the ledger, which identifies the worker */
	bool up;
	uint32_t open;	     /* connections that were placed on it and have not ended */
	uint32_t limit;	     /* how many it may have from this relay; or PLACE_NO_LIMIT */
	usec_t avoid_until;  /* 0: it has not refused */
	unsigned n_refusals; /* in a row */
	usec_t slow_until;   /* it does not accept: other workers are preferred */
	bool leaving;	     /* its connections are being cut: it gets no others */
};

/** The workers of one slot; borrowed. */
struct place_table {
	VEC(struct place_worker *) workers;
	size_t cursor; /* where round robin continues */
};

/**
 * What a connection draws, once, and by which its slot is chosen from then on. Below
 * PLACE_WEIGHT_WHOLE it is a point: the slot that is not live gets those below its weight, so that
 * a growing weight only moves connections to that slot.
 */
enum {
	DRAW_LIVE = PLACE_WEIGHT_WHOLE, /* always the live slot */
	DRAW_A,				/* that slot, while it gets any connections */
	DRAW_B,
	DRAW_NONE, /* nothing was drawn yet */
};

/** Draws a point. Successive turns (0, 1, 2, ...) are spread evenly: among any n of them in a row
 * each share gets what is due to it, give or take a few. */
uint16_t place_draw_turn(uint32_t turn);
/** Draws a point by a hash: the same for the same hash. */
uint16_t place_draw_hash(uint32_t hash);
/** Chooses the slot of a connection by what it has drawn. */
enum slot_id place_slot(struct switch_word word, uint16_t draw);

/**
 * Chooses the worker of a new connection. Moves the cursor, and counts nothing.
 *
 * @hash  place_hash of the client; 0: not known, then BALANCE_SOURCE is like round robin.
 * Returns: NULL if no worker can take it now: all are down, full, or avoided until place_retry_at.
 */
struct place_worker *place_choose(struct place_table *t, enum balance balance, uint32_t hash,
				  usec_t now);
/** As place_choose, but the worker with that key is taken only if no other can be; PLACE_NONE: any.
 */
struct place_worker *place_choose_but(struct place_table *t, enum balance balance, uint32_t hash,
				      usec_t now, uint32_t key);
/** Can the worker take a connection now, and does it accept? */
bool place_keeps_up(const struct place_worker *w, usec_t now);
/** Is any worker up, even if it can take no more connections? */
bool place_any_up(const struct place_table *t);
/** Is any worker up that has not just refused and is below its limit? */
bool place_any_room(const struct place_table *t, usec_t now);
/** Is any worker up that has not just refused a connection? */
bool place_any_reachable(const struct place_table *t, usec_t now);
/** Returns when the first avoided worker may be tried again; USEC_NEVER if none is avoided. */
usec_t place_retry_at(const struct place_table *t, usec_t now);

/** A connection to the worker has failed. */
void place_refused(struct place_worker *w, usec_t now);
/** A connection to the worker has succeeded, or slotd says that the worker is up. */
void place_welcomed(struct place_worker *w);

/**
 * Returns this relay's share of a worker's worker_max. The shares of all relays add up to max;
 * which relay gets the remainder differs from worker to worker.
 */
uint32_t place_share(uint32_t max, uint32_t relay, uint32_t n_relays, uint32_t key);

/** Should a relay with own connections leave the next one to a relay that has least? */
bool place_leaves_to(uint32_t own, uint32_t least);

/** Returns a hash of these bytes; never 0. */
uint32_t place_hash_bytes(const void *data, size_t len);
/** Returns a hash of the client's address without its port; 0 for unix sockets. */
uint32_t place_hash(const struct sockaddr *client);
/** Returns the number of a client's address, below PLACE_SOURCES: an IPv6 network of 64 bits has
 * one. */
uint16_t place_source(const struct sockaddr *from);
