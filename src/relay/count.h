#pragma once

/**
 * Counting and judging: what a connection is to its worker right now, and what a drain does with
 * it. Pure but for the stores into the relay's page, which this process alone writes.
 */

#include <slotd/handoff.h>
#include <slotd/switchboard.h>
#include <slotd/usec.h>

enum conn_class {
	CONN_UNPLACED,	/* counted by the service, not by a worker */
	CONN_QUEUED,	/* connect not finished */
	CONN_SILENT,	/* connected, no byte has passed either way */
	CONN_IN_FLIGHT, /* the client spoke last */
	CONN_IDLE,	/* the worker spoke last */
	CONN_CLASS_MAX_,
	CONN_CLASS_INVALID_ = -22,
};

const char *conn_class_name(enum conn_class c);

/** After the worker's last byte a connection counts as in flight this long: answers have gaps. */
#define DRAIN_SETTLE MSECONDS(100)

/** Takes one connection from a class to another in a worker's counts. */
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

enum drain_verdict {
	DRAIN_KEEP,  /* it holds the drain until it ends or something passes */
	DRAIN_LATER, /* look again at *ret_again */
	DRAIN_CLOSE,
	DRAIN_MOVE, /* no byte has passed: to a worker of the live slot */
	DRAIN_VERDICT_MAX_,
	DRAIN_VERDICT_INVALID_ = -22,
};

/**
 * What becomes of a connection of a slot that drains.
 *
 * @spoke      when the worker last spoke.
 * @ret_again  set with DRAIN_LATER.
 */
enum drain_verdict drain_judge(enum drain_mode mode, enum conn_class class, usec_t spoke,
			       usec_t now, usec_t *ret_again);
