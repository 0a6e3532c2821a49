#pragma once

/** A connection of a client, as every file here reads it; relay.h shows its way through classes. */

#include "copy.h"
#include "count.h"

struct exchange;
struct relay_service;
struct relay_worker;
struct reply;

enum conn_end {
	CLIENT,
	WORKER,
};

struct conn {
	struct conn *prev, *next;
	struct relay_service *service;
	struct relay_worker *worker; /* NULL: unplaced */
	struct exchange *exchange;   /* NULL: nothing is open, or nothing is followed */
	struct reply *reply;	     /* ANSWERED: by offline.c; else NULL */
	struct side side[2];	     /* by enum conn_end */
	usec_t since;		     /* when it came into its list; pinned, half: last byte */
	uint16_t source;	     /* of the client's address: in relay.empty, relay.idle */
	uint16_t draw;		     /* see place.h; by which its slot is chosen */
	uint8_t class;		     /* enum conn_class */
	bool client_spoke : 1;
	bool worker_spoke : 1; /* this worker, on this connection */
	bool worker_last : 1;  /* who spoke last */
	bool kept_alive : 1;   /* the client spoke again after an answer of this worker */
	bool worker_done : 1;  /* the worker has ended its half: it has room for another */
	bool last_request : 1; /* between: who said the last words said that these are the last */
	bool client_last : 1;  /* and the client did */
	bool unheard : 1;      /* counted in the worker's n_unheard */
	bool unread : 1;       /* counted in the worker's n_unread */
	bool switched : 1;     /* pinned by a 101: another protocol, with ends of its own */
	bool was_pinned : 1;   /* half closed: before that */
	bool crowded : 1;      /* has so many open requests that no more are read */
	bool awaits_head : 1;  /* of its first request, which has begun and lies unread */
};

struct conn_list {
	struct conn *head, *tail;
};
