#pragma once

/**
 * slotd-relay: accepts on the public sockets and carries bytes to the live slot's workers.
 *
 *	main.c      set-up, sandbox, the run
 *	messages.c  what slotd tells: services, listeners, workers, flips, drains
 *	service.c   a service here: its slots and workers, holding, drains
 *	listen.c    accepting: batches, pauses, what to do without descriptors
 *	conn.c      a connection's life: first byte, placing, connect, fail-over, moving, end
 *	carry.c     an open connection: bytes, ends and resets both ways
 *	connect.c   a socket to a worker
 *	copy.c      bytes from one side to the other: copy or splice
 *	place.c     pure: which slot, which worker
 *	count.c     pure: what a connection counts as, what a drain does with it
 *	answer.c    pure: where an HTTP answer ends, for drains
 *	proxy.c     pure: PROXY protocol headers
 *
 * A connection's way:
 *
 *	accepted -> [fresh: no byte yet] -> placed -> [queued: connecting] -> open -> ended
 *	                                     | ^
 *	                                     v | a worker is free or up again
 *	                                    held
 *
 * It is in exactly one list: the service's fresh, held or queued, or its worker's open.
 */

#include "answer.h"
#include "copy.h"
#include "count.h"
#include "place.h"

#include <slotd/address.h>
#include <slotd/channel.h>
#include <slotd/log.h>
#include <slotd/loop.h>

struct relay;
struct relay_service;
struct relay_worker;

/* ---- conn.c */

enum conn_end {
	CLIENT,
	WORKER,
};

struct conn {
	struct conn *prev, *next;
	struct relay_service *service;
	struct relay_worker *worker; /* NULL: unplaced */
	struct side side[2];	     /* by enum conn_end */
	usec_t since;	      /* queued: when the connect began; open: when the worker last spoke */
	struct answer answer; /* while its slot drains */
	uint8_t class;	      /* enum conn_class */
	bool held;
	bool client_spoke, worker_spoke;
	bool kept_alive;  /* the client spoke again after an answer */
	bool worker_done; /* the worker has ended its half: it has room for another */
};

struct conn_list {
	struct conn *head, *tail;
};

/** A client was accepted. Takes fd. */
void conn_start(struct relay_service *s, int fd);
/** Tries to place a held connection. False when no worker can take it now: it stays held. */
bool conn_retry(struct conn *c);
/** Takes a connection on which no byte has passed off its worker and places it afresh. */
void conn_move(struct conn *c);
/** The connect took too long: to the next worker. */
void conn_connect_expired(struct conn *c);
/** Closes both sides. */
void conn_end(struct conn *c);
/** Passes a reset on: the other end learns of it in the same way. */
void conn_abort(struct conn *c);
/** Counts it in another of a worker's classes. */
void conn_change_class(struct conn *c, enum conn_class class);
/** Watches both sides of an open connection for what it waits for. */
void conn_watch_open(struct conn *c);
/** Is there anything to read? */
bool socket_has_bytes(int fd);

/* ---- carry.c */

/** One end of an open connection can be read or written. May end the connection. */
void conn_carry(struct conn *c, enum conn_end end, unsigned events);
/** Callback of copier.is_last. */
bool conn_is_last(struct side *from, const unsigned char *data, size_t len);
/** Closes an idle connection, unless a byte has come in meanwhile. */
void conn_close_idle(struct conn *c);

/* ---- service.c */

struct relay_worker {
	struct place_worker place; /* its key is the place in the ledger */
	struct relay_service *service;
	enum slot_id slot;
	struct address address;
	char *name; /* NULL: none was given */
	struct conn_list open;
	unsigned n_conns;  /* queued and open */
	uint8_t one_shots; /* connections in a row that it ended after one answer */
	bool gone;	   /* off the table; kept until its last connection ends */
	struct log_once refused;
};

struct relay_slot {
	struct place_table table; /* of all its workers, gone ones (never up) too */
	unsigned n_conns;	  /* queued and open */
	usec_t last_placed;
	bool draining;
	uint32_t drain_id;
	struct loop_timer drain_timer;
};

struct listener {
	struct relay_service *service;
	uint32_t index; /* slotd's number for it */
	int fd;
	struct loop_io io;
	bool closing; /* accept what is queued, then close and answer done_id */
	uint32_t done_id;
};

struct relay_service {
	struct relay *relay;
	uint32_t index; /* in the switchboard */
	char *name;
	enum balance balance;
	enum connect_mode connect;
	enum drain_mode drain;
	unsigned worker_max;
	unsigned proxy_protocol;
	usec_t hold_timeout; /* USEC_NEVER: hold for ever */
	usec_t connect_timeout;

	bool complete; /* the first table came: placing may begin */
	struct relay_slot slots[SLOT_MAX_];
	VEC(struct listener *) listeners;

	struct conn_list fresh, held, queued;
	usec_t holding_since;	 /* 0: not holding */
	struct loop_idle settle; /* at the end of the turn: retry held ones, watch listeners */
	struct loop_timer retry_timer, hold_timer, connect_timer;
};

/** 0, -ENOMEM. */
int service_new(struct relay *relay, uint32_t index, const char *name, struct relay_service **ret);
/** Closes its listeners and connections. Always NULL. */
struct relay_service *service_free(struct relay_service *s);
struct switch_word service_word(const struct relay_service *s);
/** Something changed: workers, the word, room, descriptors. Acts at the end of this turn. */
void service_settle_soon(struct relay_service *s);
/** May this service accept now? */
bool service_accepting(const struct relay_service *s);
/** Has it held for hold_timeout? Then clients are accepted and closed. */
bool service_gave_up(const struct relay_service *s);
/** A connection entered the queued list. */
void service_watch_connects(struct relay_service *s);

/** Finds or makes a worker. 0, -ENOMEM. */
int service_worker(struct relay_service *s, enum slot_id slot, uint32_t key,
		   struct relay_worker **ret);
void service_worker_gone(struct relay_service *s, enum slot_id slot, uint32_t key);
/** A connection was taken off its worker; frees the worker if it was kept for that. */
void worker_released(struct relay_worker *w);
/** "payinv-a:payinv-a_8001", or its address. */
const char *worker_label(const struct relay_worker *w);

/** The word's live slot changed (or may have): moves what can move. */
void service_flipped(struct relay_service *s);
void service_drain(struct relay_service *s, enum slot_id slot, uint32_t id);
/** Closes a slot's connections; key UINT32_MAX: of all its workers. */
void service_cut(struct relay_service *s, enum slot_id slot, uint32_t key);
/** The worker spoke on a connection of a draining slot. */
void slot_spoke(struct relay_service *s, struct relay_slot *slot);

/** Does the slot drain by requests? */
static inline bool slot_ends_requests(const struct relay_service *s, enum slot_id slot)
{
	return s->slots[slot].draining && s->drain == DRAIN_REQUESTS;
}

/* ---- listen.c */

/** Takes fd. 0, -ENOMEM. */
int listener_new(struct relay_service *s, uint32_t index, int fd);
struct listener *listener_free(struct listener *l);
/** Accepts what is queued, then closes and answers DONE to id. */
void listener_close(struct listener *l, uint32_t id);
/** Watches or stops watching, as service_accepting says. */
void listener_update(struct listener *l);
/** No descriptors or memory: nobody accepts or connects until a connection ends, or a while. */
void relay_exhausted(struct relay *relay, int error);
/** The number of connections changed. */
void relay_tell_others(struct relay *relay);
/** Callbacks of the timers of that name. */
void on_exhausted_timer(struct loop_timer *t);
void on_yield_timer(struct loop_timer *t);
/** A connection ended. */
void relay_relieved(struct relay *relay);

/* ---- connect.c */

/**
 * A socket on its way to the worker. Not yet connected is no error: writing tells.
 *
 * Errors: -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM are ours; all others the worker's.
 */
int connect_worker(struct relay *relay, const struct relay_worker *w, int *ret_fd);
/** Lack of descriptors or memory, which another worker would not cure. */
static inline bool error_is_ours(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

/* ---- main.c */

struct relay {
	struct loop *loop;
	struct channel channel;
	const struct switchboard *board; /* NULL until slotd has set us up */
	struct relay_page *page;
	struct relay_pool *pool; /* NULL: this relay knows of no other */
	uint32_t index, n_relays;
	struct relay_service *services[SWITCHBOARD_SERVICES];
	struct copier copier;
	struct conn *spare; /* free connection structs */
	unsigned n_conns, max_conns;
	bool exhausted; /* no descriptors or memory: nothing is accepted or connected */
	bool full;	/* max_conns: nothing is accepted */
	struct loop_timer exhausted_timer;
	bool yielding; /* another relay has fewer connections: until it has caught up it accepts */
	bool yielded;  /* it has had its time and did not: the next are ours */
	usec_t yield_until;
	struct loop_timer yield_timer;
	struct log_once exhausted_log, ports_log;
	unsigned source; /* of 127.0.0.0/8, see connect.c; 0: the kernel's choice */
	usec_t source_until;
	unsigned local_ports[2];
	uint32_t dice;
};

static inline struct relay_counts *worker_counts(const struct relay_worker *w)
{
	return &w->service->relay->page->workers[w->place.key];
}

static inline struct relay_service_counts *service_counts(const struct relay_service *s)
{
	return &s->relay->page->services[s->index];
}

/* ---- messages.c */

void message_received(struct channel *ch, struct message *m);
void message_send_done(struct relay *relay, uint32_t id, int code);
void message_send_drained(struct relay_service *s, enum slot_id slot, uint32_t id);
