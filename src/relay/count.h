#pragma once

/**
 * What a connection is right now, and how that is counted. Pure but for the stores into the relay's
 * page, which this process alone writes.
 */

#include <slotd/handoff.h>
#include <slotd/switchboard.h>
#include <slotd/usec.h>

/**
 * In this order: without a worker, then with one. A connection is in the list of its class, which
 * is in the order of time (struct conn, since).
 */
enum conn_class {
	CONN_FRESH,   /* accepted, no byte yet */
	CONN_PARKED,  /* between requests, without a worker: its next byte is placed like a first */
	CONN_HELD,    /* has bytes and waits for a worker */
	CONN_LINGER,  /* all is said; waits for the client's end */
	CONN_QUEUED,  /* placed, connect not finished */
	CONN_SILENT,  /* connected, no byte has passed either way */
	CONN_HEAD,    /* in a request whose head is not whole yet */
	CONN_REQUEST, /* in a request */
	CONN_EARLY,   /* answered, while the request's body still comes */
	CONN_BETWEEN, /* between requests */
	CONN_PINNED,  /* cannot be followed: its worker's until it ends */
	CONN_HALF,    /* one side has ended its half */
	CONN_CLASS_MAX_,
	CONN_CLASS_INVALID_ = -22,
};

enum {
	CONN_UNPLACED_CLASSES = CONN_LINGER + 1,
	CONN_OPEN_CLASSES = CONN_CLASS_MAX_ - CONN_SILENT,
};

const char *conn_class_name(enum conn_class c);

/** Has one of this class a worker? */
static inline bool class_is_placed(enum conn_class c)
{
	return c >= CONN_QUEUED;
}

/** Takes one connection from a class to another in a worker's counts; those without a worker are
 * not counted there. */
void count_move(struct relay_counts *counts, enum conn_class from, enum conn_class to);

/* Single writer: a plain add, made of two relaxed halves, so that no bus lock is paid. */
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

/** How long one of a class may stay in it without a byte; USEC_NEVER: as long as it likes. */
struct client_limits {
	usec_t client_timeout;	   /* a first byte, a head that ends */
	usec_t idle_timeout;	   /* between requests, and pinned */
	usec_t half_close_timeout; /* one side has ended */
};
usec_t class_limit(enum conn_class c, const struct client_limits *limits);

/**
 * When the i-th of n connections that are ended evenly over spread is due, counted from the first.
 */
usec_t spread_at(usec_t spread, unsigned i, unsigned n);
