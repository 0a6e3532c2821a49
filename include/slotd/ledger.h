#pragma once

/**
 * The ledger: a memfd changed in place. What slotd must know after its own death is here and
 * nowhere else in its heap: upgrade, adoption and tests read it by the same code.
 *
 * slotd alone writes. An entry's seq is odd while it is being changed (a seqlock), so a reader
 * that finds it odd after slotd's death knows that entry is half-written.
 */

#include <slotd/switchboard.h>

enum {
	LEDGER_VERSION = 1,
	LEDGER_WORKERS = SWITCHBOARD_WORKERS,
	LEDGER_SERVICES = SWITCHBOARD_SERVICES,
	LEDGER_NAME_MAX = 408, /* "group:name" with both up to 200 bytes (config.h) */
};

struct ledger_worker {
	_Atomic uint32_t seq;
	uint32_t state;		    /* enum worker_state */
	char name[LEDGER_NAME_MAX]; /* "" : free entry */
	int32_t pid;		    /* 0: none */
	uint32_t backoff;	    /* failures in a row */
	uint64_t start_ticks;	    /* field 22 of /proc/PID/stat: tells a recycled pid */
	uint64_t since;		    /* wall clock, microseconds: last state change */
	uint64_t started;	    /* wall clock: last spawn, 0 never */
	uint64_t stopped;	    /* wall clock: last end, 0 never */
	uint32_t restarts;	    /* spawns that followed an unasked end */
	int32_t exit;		    /* wait status of the last end, -1 none */
	uint32_t service;	    /* index, UINT32_MAX: none */
	uint32_t slot;
};

struct ledger_service {
	_Atomic uint32_t seq;
	uint32_t live; /* enum slot_id */
	char name[LEDGER_NAME_MAX];
	uint32_t generation;
	uint32_t step; /* enum swap_step */
	uint64_t since;
	char release[SLOT_MAX_][64];
};

struct ledger {
	uint32_t magic, version;
	uint32_t workers_size, services_size; /* sizeof of one entry */
	int32_t pid;			      /* of the slotd that writes */
	uint32_t workers_used;		      /* entries from here on were never used */
	struct ledger_service services[LEDGER_SERVICES];
	struct ledger_worker workers[LEDGER_WORKERS];
};

#define LEDGER_MAGIC 0x736c6f74u /* "slot" */

/** Creates the memfd (sparse: only used entries cost memory). 0 or -errno. */
int ledger_create(int *ret_fd, struct ledger **ret);
/** Maps an existing one and checks magic, version and sizes. -EPROTO when they differ. */
int ledger_attach(int fd, bool writable, struct ledger **ret);
/** Accepts NULL. The descriptor stays open. */
void ledger_unmap(struct ledger *l);

/** The entry of that name, or a free one taken for it; -ENOSPC. Index on success. */
int ledger_worker_take(struct ledger *l, const char *name);
/** The entry is free again. */
void ledger_worker_drop(struct ledger *l, unsigned index);
/** As for workers. */
int ledger_service_take(struct ledger *l, const char *name);
void ledger_service_drop(struct ledger *l, unsigned index);

/* Bracket every change of an entry with these two. */
static inline void ledger_begin(_Atomic uint32_t *seq)
{
	atomic_fetch_add_explicit(seq, 1, memory_order_acq_rel);
}

static inline void ledger_end(_Atomic uint32_t *seq)
{
	atomic_fetch_add_explicit(seq, 1, memory_order_release);
}
