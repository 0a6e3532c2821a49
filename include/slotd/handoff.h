#pragma once

/**
 * How a service's connections reach its workers: the terms that slotd and slotd-relay share.
 */

#include <slotd/switchboard.h>

enum {
	PLACEMENT_WHOLE = 10000,       /* the weight that means all new connections */
	OFFLINE_PAGE_MAX = 256 * 1024, /* bytes of what an offline service answers */
};

/** Where new connections go. A flip, a canary, a pause and an outage for maintenance each set
 * another placement. */
struct placement {
	enum slot_id live;
	uint16_t weight; /* share of the slot that is not live, of PLACEMENT_WHOLE */
	enum switch_mode mode;
};

static inline bool placement_equal(const struct placement *a, const struct placement *b)
{
	return a->live == b->live && a->weight == b->weight && a->mode == b->mode;
}

enum balance {
	BALANCE_ROUND_ROBIN,
	BALANCE_LEAST_CONN, /* by the relay's own counts; relays share the connections evenly */
	BALANCE_SOURCE,	    /* clients with the same address go to the same worker while it is up */
	BALANCE_MAX_,
	BALANCE_INVALID_ = -22,
};

enum connect_mode {
	CONNECT_LATE,  /* a worker is chosen when the client's first byte has arrived */
	CONNECT_EARLY, /* a worker is chosen at once, for servers that speak first */
	CONNECT_MODE_MAX_,
	CONNECT_MODE_INVALID_ = -22,
};

enum protocol {
	PROTOCOL_AUTO, /* decided by the client's first bytes: HTTP/1 is followed, others pinned */
	PROTOCOL_HTTP, /* the same, and what cannot be followed is logged */
	PROTOCOL_TCP,  /* nothing is read; every connection is pinned */
	PROTOCOL_MAX_,
	PROTOCOL_INVALID_ = -22,
};

/** What happens to the old slot's connections after a flip. Requests are always answered. */
enum drain_mode {
	DRAIN_REQUESTS,	   /* between requests: moved; pinned: waited for */
	DRAIN_CONNECTIONS, /* between requests and pinned: waited for */
	DRAIN_WORKER,	   /* the workers get their stop signal at once, and end connections */
	DRAIN_IDLE,	   /* like REQUESTS, but a pinned connection is closed after a silence */
	DRAIN_MODE_MAX_,
	DRAIN_MODE_INVALID_ = -22,
};

/** Which requests go to another worker, once, if their worker dies before it answers. */
enum retry_mode {
	RETRY_SAFE,	  /* GET, HEAD, OPTIONS, and requests that were never read whole */
	RETRY_IDEMPOTENT, /* also PUT and DELETE */
	RETRY_NO,
	RETRY_MODE_MAX_,
	RETRY_MODE_INVALID_ = -22,
};
