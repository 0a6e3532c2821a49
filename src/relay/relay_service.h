#pragma once

/** A service and its slots, as every file here reads them; service.h makes and ends it. */

#include "connection.h"
#include "place.h"

#include <slotd/canary_share.h>
#include <slotd/handoff.h>
#include <slotd/loop.h>
#include <slotd/network.h>

struct listener;
struct page;
struct relay;

/** Closes the connections that a slot, or a worker, still has, spread over time. */
struct cut {
	bool on;
	uint32_t id;  /* of the request, answered when nothing is left; 0: none */
	uint32_t key; /* of a worker; UINT32_MAX: all */
	usec_t began, spread;
	unsigned n_all, n_ended; /* connections when it began; those that it has closed */
};

struct relay_slot {
	struct place_table table; /* of all its workers, also those that are gone (never up) */
	struct conn_list queued;
	struct conn *next_queued; /* where cutting goes on; NULL: from the first */
	unsigned n_conns;	  /* queued and open */
	usec_t last_placed;
	bool draining;
	uint32_t drain_id;
	uint32_t flip_id; /* of FLIPPED, answered when no earlier connection is queued here */
	struct cut cut;
	struct loop_timer drain_timer;
};

struct relay_service {
	struct relay *relay;
	uint32_t index; /* in the switchboard */
	char *name;
	enum balance balance;
	enum connect_mode connect;
	enum protocol protocol;
	enum drain_mode drain;
	enum retry_mode retry;
	unsigned worker_max;
	unsigned proxy_protocol;
	usec_t hold_timeout; /* USEC_NEVER: hold for ever */
	usec_t connect_timeout;
	usec_t drain_idle; /* DRAIN_IDLE */
	struct client_limits limits;
	struct page *page;  /* of offline_page; NULL: the one that is built in */
	char *health_paths; /* that are answered 200 while it is offline; NULL: none */
	usec_t retry_after;

	/**
	 * What preview_listen reaches: a service with the same number and workers, for which the
	 * slot is live that is idle. Its connections are in no list and no count of the other one.
	 */
	struct relay_service *preview; /* NULL: none */
	bool is_preview;
	enum canary_by canary_by;
	char *canary_cookie;		 /* its name; NULL: none */
	VEC(struct network) canary_from; /* empty: every client */
	uint32_t canary_turn;

	bool complete; /* the first table has come: placing may begin */
	bool ending;   /* slotd has removed it: its connections are being closed */
	struct relay_slot slots[SLOT_MAX_];
	VEC(struct listener *) listeners;

	struct conn_list unplaced[CONN_UNPLACED_CLASSES];
	struct conn *next_held;	 /* where retrying goes on; NULL: from the first */
	bool held_news;		 /* since that began: from the first once more */
	usec_t holding_since;	 /* 0: not holding */
	struct loop_idle settle; /* at the end of the turn: retry held ones, watch listeners */
	struct loop_timer retry_timer, hold_timer, connect_timer, limit_timer, end_timer,
		stall_timer;
};
