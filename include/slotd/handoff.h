#pragma once

/** How a service's connections reach its workers: what slotd and slotd-relay agree on. */

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

enum drain_mode {
	DRAIN_REQUESTS,	   /* idle connections of the old slot are closed */
	DRAIN_CONNECTIONS, /* every connection of it holds the drain until it ends */
	DRAIN_MODE_MAX_,
	DRAIN_MODE_INVALID_ = -22,
};
