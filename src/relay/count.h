#pragma once

/**
 * The class of a connection, and how classes are counted. Pure, except for the stores to the
 * relay's page, which only this process writes.
 */

#include <slotd/handoff.h>
#include <slotd/switchboard.h>
#include <slotd/usec.h>

/**
 * Classes without a worker come first, then those with one. A connection is in the list of its
 * class, which is sorted by time (struct conn, since).
 */
enum conn_class {
	CONN_FRESH,    /* accepted, no byte yet */
	CONN_PARKED,   /* between requests, without a worker: placed again at its next byte */
	CONN_HELD,     /* has bytes and waits for a worker */
	CONN_LINGER,   /* everything was passed on; waits until the client closes */
	CONN_ANSWERED, /* in a request that this relay answers itself, without a worker */
	CONN_QUEUED,   /* placed, but not connected yet */
	CONN_SILENT,   /* connected, no byte has passed either way */
	CONN_HEAD,     /* in a request whose head is not complete yet */
	CONN_REQUEST,  /* in a request */
	CONN_EARLY,    /* answered, while the body of the request still arrives */
	CONN_BETWEEN,  /* between requests */
	CONN_PINNED,   /* cannot be followed: it stays with its worker until it ends */
	CONN_HALF, /* one side has ended its half, and no complete request is known to be open */
	CONN_CLASS_MAX_,
	CONN_CLASS_INVALID_ = -22,
};

enum {
	CONN_UNPLACED_CLASSES = CONN_ANSWERED + 1,
	CONN_OPEN_CLASSES = CONN_CLASS_MAX_ - CONN_SILENT,
};

const char *conn_class_name(enum conn_class c);

/** Does a connection of this class have a worker? */
static inline bool class_is_placed(enum conn_class c)
{
	return c >= CONN_QUEUED;
}

/** Moves a connection from one class to another in the counts of a worker, which do not include
 * classes without a worker. */
void count_move(struct relay_counts *counts, enum conn_class from, enum conn_class to);

/* There is only one writer, so a load and a store, both relaxed, avoid the cost of a bus lock. */
static inline void count_add32(_Atomic uint32_t *at, uint32_t n)
{
	atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline void count_add64(_Atomic uint64_t *at, uint64_t n)
{
	atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/** Has the client yet to send a whole head? */
static inline bool class_is_empty(enum conn_class c)
{
	const unsigned those = 1u << CONN_FRESH | 1u << CONN_SILENT | 1u << CONN_HEAD;

	return those >> c & 1;
}

/** May a connection of this class be closed to make room? No request is open on it. */
static inline bool class_gives_way(enum conn_class c)
{
	const unsigned those =
		1u << CONN_LINGER | 1u << CONN_PARKED | 1u << CONN_BETWEEN | 1u << CONN_PINNED;

	return class_is_empty(c) || those >> c & 1;
}

/** How long a connection may stay in a class without a byte; USEC_NEVER: without a limit. */
struct client_limits {
	usec_t client_timeout;	   /* a first byte, a head that ends */
	usec_t idle_timeout;	   /* between requests, and pinned */
	usec_t half_close_timeout; /* one side has ended */
};
usec_t class_limit(enum conn_class c, const struct client_limits *limits);

/** Returns when the i-th of n connections that are closed evenly over spread is due, counted from
 * the first. */
usec_t spread_at(usec_t spread, unsigned i, unsigned n);
