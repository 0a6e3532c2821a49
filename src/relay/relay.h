#pragma once

/**
 * slotd-relay: accepts connections on the public sockets and relays them to the live slot's
 * workers.
 *
 *	main.c           set-up, sandbox, the run
 *	messages.c       messages from slotd: services, listeners, workers, flips, drains
 *	message_send.c   what it is answered
 *	service.c        a service here: its beginning and end, and clients that are held
 *	service_facts.c  what its word says, and what follows from that
 *	workers.c        its workers
 *	slot.c           when the connections of a slot are looked at
 *	drain.c          flips, drains, cuts: what happens to a slot's connections
 *	client_limits.c  time limits of clients, and which one is closed when there is no room
 *	listener.c       accepting, in batches
 *	capacity.c       whether to accept: descriptors, memory, the other relays
 *	conn.c           the beginning of a connection, and what happens on it
 *	conn_place.c     placing it, fail-over, moving it
 *	conn_watch.c     which events it waits for
 *	conn_lists.c     the list and the counts that it is in
 *	conn_close.c     its end
 *	carry.c          an open connection: bytes, ends and resets both ways
 *	exchange.c       an open request: its state, and its bytes for another worker
 *	connect.c        a socket to a worker
 *	keepalive.c      peers that have vanished
 *	backlog.c        what the kernel knows: does a worker accept, has it read all?
 *	stall.c          what a worker has not read, and whether another one would
 *	stall_look.c     moves that to another one
 *	offline.c        connections that this relay answers itself
 *	reply.c          one such answer
 *	page.c           what a service answers then
 *	canary.c         which connections belong to a canary, and how its requests go
 *	copy.c           bytes from one side to the other: copy or splice
 *	follow.c         pure: where HTTP/1 messages begin and end
 *	answer.c         pure: requests that are answered without a worker, and heads of answers
 *	cookie.c         pure: a cookie of a request
 *	place.c          pure: which slot, which worker
 *	count.c          pure: the classes of connections
 *
 * A connection's way (enum conn_class):
 *
 *	accepted -> FRESH -> placed -> QUEUED -> HEAD, REQUEST -> BETWEEN -> ended
 *	                     | ^         SILENT    |  ^  |          |
 *	                     v | room              |  |  +----------+ next request
 *	                     HELD                  v  +---- placed <- PARKED <- BETWEEN, its worker
 *	                                        PINNED                        gone or not live
 *
 * One that speaks while its service is offline is ANSWERED, then PARKED again. It is in exactly one
 * list, that of its class: the service's, the slot's (QUEUED) or its worker's.
 */

#include "copy.h"
#include "follow.h"
#include "place.h"
#include "relay_service.h"
#include "relay_worker.h"

#include <slotd/channel.h>
#include <slotd/log.h>
#include <slotd/loop.h>

enum {
	/* Connections that one turn of the loop ends or moves: the others wait for it. */
	TURN_BATCH = 64,
};

struct relay {
	struct loop *loop;
	struct channel channel;
	const struct switchboard *board; /* NULL until slotd has set us up */
	struct relay_page *page;
	struct relay_pool *pool; /* NULL: this relay is the only one */
	uint32_t index, n_relays;
	struct relay_service *services[SWITCHBOARD_SERVICES];
	VEC(struct relay_service *) ending;
	struct copier copier;
	struct conn *spare; /* free connection structs */
	unsigned n_conns, max_conns;
	uint32_t n_silent; /* may give way */
	uint32_t n_empty;  /* of these, the ones without a whole head */
	/* Of these, by the client's address: those without a whole head, the others. */
	uint32_t empty[PLACE_SOURCES], idle[PLACE_SOURCES];
	struct follow_memo memo;
	struct exchange *spare_exchanges;
	unsigned n_exchanges, peak_exchanges, n_spare_exchanges;
	usec_t trimmed_at;
	bool retiring;	/* another relay has its place: it ends with its last connection */
	bool exhausted; /* no descriptors or memory: nothing is accepted or connected */
	bool full;	/* max_conns, and none can be closed: nothing is accepted */
	struct loop_timer exhausted_timer;
	bool yielding; /* another relay has fewer connections, and accepts instead of this one */
	bool yielded;  /* it had time and did not accept: this relay accepts the next ones */
	usec_t yield_until;
	struct loop_timer yield_timer;
	struct log_once exhausted_log, ports_log, gave_way_log;
	unsigned source; /* of 127.0.0.0/8, see connect.c; 0: the kernel's choice */
	usec_t source_until;
	int diag_fd; /* see backlog.c */
	unsigned local_ports[2];
	uint8_t worker_ports[(UINT16_MAX + 1) / 8]; /* those of every slot, see connect.c */
	uint32_t port_range; /* within local_ports, without a worker's: IP_LOCAL_PORT_RANGE */
	bool no_port_range;  /* the kernel does not know that option */
	bool counts_answers; /* its page has room for that: it may be an older slotd's */
	/* What previews count, which nobody reads. */
	struct relay_counts uncounted;
	struct relay_service_counts uncounted_service;
};

static inline struct relay_counts *worker_counts(const struct relay_worker *w)
{
	struct relay *relay = w->service->relay;

	return w->service->is_preview ? &relay->uncounted : &relay->page->workers[w->place.key];
}

static inline struct relay_service_counts *service_counts(const struct relay_service *s)
{
	return s->is_preview ? &s->relay->uncounted_service : &s->relay->page->services[s->index];
}
