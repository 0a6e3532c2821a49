#pragma once

/**
 * How a service's connections reach its workers: what is decided about them, and what slotd and
 * slotd-relay agree on.
 */

#include <slotd/switchboard.h>

enum {
	PLACEMENT_WHOLE = 10000, /* all new connections, in units of placement.weight */
};

/** Where new connections go: a flip, a canary's share and a pause are placements. */
struct placement {
	enum slot_id live;
	uint16_t weight; /* of PLACEMENT_WHOLE: to the slot that is not live */
	enum switch_mode mode;
};

static inline bool placement_equal(const struct placement *a, const struct placement *b)
{
	return a->live == b->live && a->weight == b->weight && a->mode == b->mode;
}

enum balance {
	BALANCE_ROUND_ROBIN,
	BALANCE_LEAST_CONN, /* by the relay's own counts: relays share the connections evenly */
	BALANCE_SOURCE,	    /* a client address keeps its worker while that is up */
	BALANCE_MAX_,
	BALANCE_INVALID_ = -22,
};

enum connect_mode {
	CONNECT_LATE,  /* to a worker when the client's first byte is there */
	CONNECT_EARLY, /* at once, for servers that speak first */
	CONNECT_MODE_MAX_,
	CONNECT_MODE_INVALID_ = -22,
};

enum protocol {
	PROTOCOL_AUTO, /* by the client's first bytes: HTTP/1 is followed, the rest is pinned */
	PROTOCOL_HTTP, /* HTTP/1: what cannot be followed is worth a line in the log */
	PROTOCOL_TCP,  /* nothing is looked at */
	PROTOCOL_MAX_,
	PROTOCOL_INVALID_ = -22,
};

/** What ends the old slot's connections after a flip. In a request: its answer, in every mode. */
enum drain_mode {
	DRAIN_REQUESTS,	   /* between requests: moved; pinned: waited for */
	DRAIN_CONNECTIONS, /* as above, but between requests: waited for */
	DRAIN_WORKER,	   /* the workers get their stop signal at once, and end them */
	DRAIN_IDLE,	   /* pinned, and still for drain_idle, the worker having spoken: ended */
	DRAIN_MODE_MAX_,
	DRAIN_MODE_INVALID_ = -22,
};

/** Which requests whose worker died before a byte of the answer go to another worker, once. */
enum retry_mode {
	RETRY_SAFE,	  /* GET, HEAD, OPTIONS; and what was never read whole */
	RETRY_IDEMPOTENT, /* PUT and DELETE too */
	RETRY_NO,
	RETRY_MODE_MAX_,
	RETRY_MODE_INVALID_ = -22,
};
