#pragma once

/**
 * slotd-relay: accepts connections on the public sockets and relays them to the live slot's
 *workers.
 *
 *	main.c      set-up, sandbox, the run
 *	messages.c  messages from slotd: services, listeners, workers, flips, drains
 *	service.c   a service here: its workers, holding
 *	drain.c     flips, drains, cuts: what happens to a slot's connections
 *	limits.c    time limits of clients, and which one is closed when there is no room
 *	listen.c    accepting: batches, pauses, what to do without descriptors
 *	conn.c      a connection's life: lists, placing, connect, fail-over, moving, end
 *	carry.c     an open connection: bytes, ends and resets both ways
 *	exchange.c  what is kept of an open request: its state, and its bytes for another worker
 *	connect.c   a socket to a worker
 *	backlog.c   what the kernel knows: does a worker accept, has it read what it was sent?
 *	stall.c     what a worker does not read goes to another one
 *	offline.c   connections that this relay answers itself
 *	canary.c    which connections belong to a canary, and how its requests go
 *	copy.c      bytes from one side to the other: copy or splice
 *	follow.c    pure: where HTTP/1 messages begin and end
 *	answer.c    pure: requests that are answered without a worker, and heads of answers
 *	cookie.c    pure: a cookie of a request
 *	place.c     pure: which slot, which worker
 *	count.c     pure: the classes of connections
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
 *list, that of its class: the service's, the slot's (QUEUED) or its worker's.
 */

#include "copy.h"
#include "count.h"
#include "follow.h"
#include "place.h"

#include <slotd/address.h>
#include <slotd/canary_share.h>
#include <slotd/channel.h>
#include <slotd/cleanup.h>
#include <slotd/log.h>
#include <slotd/loop.h>
#include <slotd/network.h>

struct relay;
struct relay_service;
struct relay_worker;
struct exchange;
struct page;
struct reply;

enum {
	/* Connections that one turn of the loop ends or moves: the others wait for it. */
	TURN_BATCH = 64,
	/* Client addresses are told apart by so many numbers. */
	SOURCES = 1024,
};

/* ---- conn.c */

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
	uint16_t source;	     /* of the client's address: in relay.silent */
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

/** A client was accepted from an address. Takes fd, borrows from. */
void conn_start(struct relay_service *s, int fd, const struct sockaddr *from);
/** Places a connection without a worker, with the n bytes in the copier's buffer. */
void conn_place_first(struct conn *c, size_t n);
/** Answers a held connection here. */
void conn_answer(struct conn *c);
/** Tries to place a held connection. False when no worker can take it now: it stays held. */
bool conn_retry(struct conn *c);
/** Takes a connection on which no byte has passed off its worker and places it afresh. */
void conn_move(struct conn *c);
/**
 * Takes a connection between requests off its worker; the client stays, and is placed again at its
 * next byte. Closes the connection if the client was told to expect that.
 */
void conn_park(struct conn *c);
/** Is a followed connection answered, with everything passed on and its worker's side ended? */
bool conn_may_linger(const struct conn *c);
/** Takes such a connection off its worker, to wait until the client closes. */
void conn_linger(struct conn *c);
/** Moves a connection to another worker, with the n bytes in the copier's buffer. */
void conn_place_again(struct conn *c, size_t n);
/** Connecting has taken too long: tries the next worker. */
void conn_connect_expired(struct conn *c);
/** Closes both sides. */
void conn_end(struct conn *c);
/** Resets both sides, after one of them was reset. */
void conn_abort(struct conn *c);
/** Closes a connection in such a way that nobody takes half an answer for a whole one. */
void conn_cut(struct conn *c);
/** Moves it to another class of its worker, or to the end of the same class. */
void conn_change_class(struct conn *c, enum conn_class class);
/**
 * Passes on what a side has said that lies unread because this relay was busy or held up. To be
 * called before a connection is ended for its silence: its time alone does not show that.
 *
 * Returns:  whether there was anything; then the connection may have moved or ended.
 */
bool conn_hear(struct conn *c);
/** Watches both sides of an open connection for the events that it waits for. */
void conn_watch_open(struct conn *c);
/** Takes it out of its list and the counts. */
void conn_leave(struct conn *c);
/** Puts it into another list and its counts. w is NULL for classes without a worker. */
void conn_enter(struct conn *c, struct relay_worker *w, enum conn_class class);
/** Puts it at the beginning of its list. */
void conn_come_first(struct conn *c);

/* ---- carry.c */

/** One end of an open connection can be read or written. May end the connection. */
void conn_carry(struct conn *c, enum conn_end end, unsigned events);
/** Callback of copier.heard. */
uint64_t conn_heard(struct side *from, const unsigned char *data, size_t len);
/** Its worker has not read its request, for which exchange_may_retry holds: it goes to another. */
void conn_take_back(struct conn *c);
/** Returns the class of an open connection, by what was sent on it. */
enum conn_class conn_judge(struct conn *c);

/* ---- exchange.c */

/** What is kept while a request is open: the state of following and, for retry, its bytes. */
struct exchange {
	struct exchange *next; /* of a spare one */
	struct follow follow;
	unsigned char *kept; /* all that the client has sent since it was between requests */
	uint32_t n_kept, kept_room;
	bool keeps;    /* kept is complete so far */
	bool split;    /* what may ask for something took more than one write to the worker */
	bool moved;    /* it was taken from a worker that left it unread for long */
	bool retried;  /* a worker has died with it, and another one got it... */
	bool again;    /* ...which died too, and had not read it */
	uint32_t died; /* key of the worker that has died */
};

/** Makes one for a connection whose service follows; without memory it is not followed. */
void exchange_begin(struct conn *c);
/** Takes the exchange off the connection. Harmless if there is none. */
void exchange_end(struct conn *c);
/** Frees the exchanges that are kept for further requests. */
void exchanges_drop_spare(struct relay *relay);
/** One side has sent this; data is NULL if it was spliced. */
void exchange_heard(struct exchange *e, enum conn_end who, const unsigned char *data, size_t len);
/** Has the client of a pinned connection said nothing but the beginning of HTTP/2 or TLS, and its
 * worker nothing? It may have to be said to another one. */
bool exchange_waits(const struct conn *c);
/** The client's last bytes went to the worker in more than one write. */
void exchange_split(struct conn *c);
/**
 * May its request go to another worker, now that its own has ended?
 *
 * @unread  the kernel has shown that the worker left some of the request unread, or never got it;
 *	    needed for the beginning of HTTP/2 or TLS.
 *	    That alone does not prove that nothing was executed: a server may begin with the head
 *	    and leave the body. So the request must also have been one write and one TCP segment, no
 *	    longer than every server reads at once.
 */
bool exchange_may_retry(const struct conn *c, bool unread);

/* ---- offline.c */

/** Reads the page that is answered. Returns 0, -E2BIG, -ENOMEM or another -errno of reading. */
int page_read(int fd, const char *type, struct page **ret);
/** Returns NULL. Harmless for NULL. */
struct page *page_unref(struct page *p);
/** Are requests answered here, without a worker: because the service is offline, because nobody has
 * come for hold_timeout, or because the idle slot that is previewed has no worker? */
bool service_answers(const struct relay_service *s);
/**
 * Answers a connection without a worker, of which the first n bytes are in the copier's buffer,
 * with all that it says until service_answers does not hold any more. Closes what is not HTTP/1.
 */
void offline_begin(struct conn *c, size_t n);
/** Its client can be read or written: of a connection that is ANSWERED. */
void offline_event(struct conn *c);
/** Is such a connection sending, so that nothing is read? */
bool offline_sends(const struct conn *c);
/** Forgets what is to be answered. Harmless if it is nothing. */
void offline_drop(struct conn *c);

/* ---- service.c */

struct relay_worker {
	struct place_worker place; /* its key is the index in the ledger */
	struct relay_service *service;
	enum slot_id slot;
	struct address address;
	char *name; /* NULL: none was given */
	struct conn_list open[CONN_OPEN_CLASSES];
	/* Half closed: where the look at those of before halves_until goes on; NULL: it is over. */
	struct conn *next_half;
	usec_t halves_until;
	unsigned n_conns;   /* queued and open */
	uint8_t one_shots;  /* connections in a row that it ended after one answer */
	unsigned n_unheard; /* connections on which it was sent something, and has not answered */
	unsigned n_unread;  /* connections on which it was not seen to read the request */
	usec_t heard_at;    /* when it last sent anything, or was first sent something after that */
	bool gone;	    /* not in the table any more; kept until its last connection ends */
	bool in_use;	    /* and not freed while this is set */
	uint32_t drain_id; /* of a drain of this worker alone, answered when it has no connection; 0
			    */
	int8_t reach;	   /* of its unix socket, as slotd knows: -1 denied, 1 open, 0 not told */
	struct log_once refused, pinned, stalled;
};

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

/** Makes a service. Returns 0 or -ENOMEM. */
int service_new(struct relay *relay, uint32_t index, const char *name, struct relay_service **ret);
/** Gives the service a preview, or ends it. Returns 0 or -ENOMEM. */
int service_want_preview(struct relay_service *s, bool want);
void service_close_listeners(struct relay_service *s);
/** Closes its listeners, closes its connections in the next turns, then frees it. */
void service_end(struct relay_service *s);
/** Does all of that at once. Returns NULL. */
struct relay_service *service_free(struct relay_service *s);
struct switch_word service_word(const struct relay_service *s);
/** Workers, the word, limits or descriptors have changed: acts on that at the end of this turn. */
void service_settle_soon(struct relay_service *s);
/** May this service accept now? */
bool service_accepting(const struct relay_service *s);
/** Has it held for hold_timeout? Then clients are accepted and closed. */
bool service_gave_up(const struct relay_service *s);
/** A connection has entered a queued list. */
void service_watch_connects(struct relay_service *s);

/** Returns the worker of that key; NULL: there is none. */
struct relay_worker *service_find_worker(struct relay_service *s, enum slot_id slot, uint32_t key);
/** Finds or makes a worker. Returns 0 or -ENOMEM. */
int service_worker(struct relay_service *s, enum slot_id slot, uint32_t key,
		   struct relay_worker **ret);
void service_worker_gone(struct relay_service *s, enum slot_id slot, uint32_t key);
/** A connection was taken off its worker; frees a worker that was kept only for it. */
void worker_released(struct relay_worker *w);
/** To be called around code that walks its lists and may take its last connection off. */
void worker_use(struct relay_worker *w);
void worker_unuse(struct relay_worker *w);
static inline struct relay_worker *worker_of(struct place_worker *p)
{
	return container_of(p, struct relay_worker, place);
}
static inline struct conn_list *worker_list(struct relay_worker *w, enum conn_class class)
{
	return &w->open[class - CONN_SILENT];
}
/** Returns "payinv-a:payinv-a_8001", or its address. */
const char *worker_label(const struct relay_worker *w);

/* ---- drain.c */

/** Should connections between requests leave this worker? */
bool worker_is_left(const struct relay_worker *w);
/** The live slot may have changed. Answers id when no connection from before is queued. */
void service_flipped(struct relay_service *s, uint32_t id);
/** Answers DRAINED to id when the slot has no connection left. */
void service_drain(struct relay_service *s, enum slot_id slot, uint32_t id);
/** Answers DRAINED to id when the worker, which is not up any more, has no connection left, and at
 * once if there is no such worker. */
void service_drain_worker(struct relay_service *s, enum slot_id slot, uint32_t key, uint32_t id);
/** The worker is up again: whatever was to become of its connections, they stay. */
void worker_stays(struct relay_worker *w);
/** Closes a slot's connections over spread; key UINT32_MAX: of all its workers. One worker that is
 * cut gets no connections until that is over. Answers id. */
void service_cut(struct relay_service *s, enum slot_id slot, uint32_t key, usec_t spread,
		 uint32_t id);
/** A worker is no longer up: its connections leave it, from the next turn on. */
void worker_left(struct relay_worker *w);
/** The slot has lost its last connection: checks it in the next turn. */
void slot_look_soon(struct relay_service *s, enum slot_id slot);
/** c has entered a class with a worker, in which it may have to be closed later. */
void slot_watch(const struct conn *c);
/** Callback of the slots' timers. */
void slot_timers_init(struct relay_service *s);

/* ---- limits.c */

/** c has entered a class. */
void limits_watch(struct conn *c);
/** Callback of relay_service.limit_timer. */
void on_limit(struct loop_timer *t);
/** The number of a client's address, for conn.source: an IPv6 network of 64 bits has one. */
uint16_t limits_source(const struct sockaddr *from);
/**
 * Closes the connection without an open request that has been silent longest, to make room for a
 * new one. It must have been silent for 100 ms, so that a distant client has time to speak, unless
 * half of all connections have not sent a whole head. A client address that has not sent a whole
 * head on a quarter of all connections or more gives up the first of these, however new: so whoever
 * speaks at once is served even where the flood comes from his own address. One that has as many
 * idle connections gives up the longest silent of its own. A pinned connection must have been
 * silent for 5 s. None is closed that has spoken, even if nobody has read that yet.
 *
 * @ret_at   set where no connection was closed but one may be later: that time.
 * Returns:  whether a connection was closed.
 */
bool limits_give_way(struct relay *relay, usec_t *ret_at);
/** Counts a connection that has entered its class (n = 1) or leaves it (-1). */
static inline void limits_count(const struct conn *c, int n);

/* ---- listen.c */

/** Sets TCP keep-alive, by which a peer that has vanished is found and the connection ends. */
void socket_find_the_dead(int fd);

/** Takes fd. Returns 0 or -ENOMEM. */
int listener_new(struct relay_service *s, uint32_t index, int fd);
struct listener *listener_free(struct listener *l);
/** Accepts what is queued, then closes and answers DONE to id. */
void listener_close(struct listener *l, uint32_t id);
/** Starts or stops watching, as service_accepting says. */
void listener_update(struct listener *l);
/** There are no descriptors, or no memory: stops accepting and connecting until a connection ends,
 * or for a while. */
void relay_exhausted(struct relay *relay, int error);
/** The number of connections has changed. */
void relay_tell_others(struct relay *relay);
/** Callbacks of the timers of that name. */
void on_exhausted_timer(struct loop_timer *t);
void on_yield_timer(struct loop_timer *t);
/** A connection has ended. */
void relay_relieved(struct relay *relay);
/**
 * Another relay accepts in its place from now on, with its index: it closes its listeners, whose
 * queues are shared, serves the connections that it has, and ends the loop with the last of them.
 */
void relay_retire(struct relay *relay);

/* ---- backlog.c */

/** Opens the descriptor with which backlogs are read; before the sandbox is set up. After an -errno
 * they are not read. */
int backlog_open(void);
/** The worker was sent something that it should answer. */
void worker_asked(struct relay_worker *w, usec_t now);
/** Does the worker fail to accept what waits at its socket? Then others are preferred. */
bool worker_stalls(struct relay_worker *w, usec_t now);
/** It does not read or accept: others are preferred for a while. */
void worker_pass_by(struct relay_worker *w, usec_t now);
/** Returns how many connections wait at a worker's socket; 0 if that is not known. fd is that of
 * backlog_open. */
unsigned backlog_at(int fd, const struct address *a);
/** Has the worker not read all of what it was sent on the connection, or not accepted it? False if
 * that is not known. */
bool conn_lies_unread(const struct conn *c);

/* ---- stall.c */

/** A part of a request was sent to the worker of c. */
void stall_watch(struct conn *c);
/** A connection waits until its worker has room for it. */
void stall_watch_connect(struct relay_service *s);
/** The worker has read it, or c leaves it, or nothing can be done. */
static inline void stall_forget(struct conn *c)
{
	c->worker->n_unread -= c->unread ? 1 : 0;
	c->unread = false;
}
/** Does it not read or accept, while another worker does? Then kept connections leave it, too. */
bool worker_is_shunned(struct relay_worker *w);
/** Callback of relay_service.stall_timer. */
void on_stall(struct loop_timer *t);

/* ---- connect.c */

/**
 * Makes a socket that connects to the worker. It may not be connected yet; a write shows that.
 *
 * Errors: -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM are this relay's; all others are the worker's.
 */
int connect_worker(struct relay *relay, struct relay_worker *w, int *ret_fd);
/**
 * slotd has told of a worker: connections of this relay do not use its port as their local port,
 * whether it is up or not, and slotd is told again whether its unix socket is accessible.
 */
void connect_told(struct relay *relay, struct relay_worker *w);
/** Is it a lack of descriptors or memory, for which trying another worker is useless? */
static inline bool error_is_ours(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

/* ---- canary.c */

/** Chooses the slot of a connection, which draws if it has not. */
enum slot_id canary_slot(struct conn *c, struct switch_word word);
/**
 * A client has said something on a connection without a worker: does a cookie decide where it goes,
 * and has it not sent the head of its request yet? Then nothing is read, and this is asked again
 * when more has come. To be called before the first bytes are read; overwrites the copier's buffer.
 */
bool canary_awaits_head(struct conn *c);
/** Has a connection that awaits a head more than when it was last looked at? True for others. */
bool canary_head_grew(const struct conn *c);
/** A connection that may await a head is about to be closed. */
void canary_drop_head(struct conn *c);
/** Takes the settings from MSG_RELAY_SERVICE. Returns 0, -ENOMEM, -EINVAL. */
int canary_set(struct relay_service *s, const struct message *m);
void canary_done(struct relay_service *s);
/** The worker did not take a connection. */
void answers_refused(const struct relay_worker *w);
/** The worker of c has sent something, which was followed but not counted as spoken yet. */
void answers_heard(struct conn *c);
/** The worker of c is gone, and its request goes to no other one. */
void answers_lost(const struct conn *c);

/* ---- main.c */

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
	uint32_t empty[SOURCES], idle[SOURCES];
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

static inline void limits_count(const struct conn *c, int n)
{
	struct relay *relay = c->service->relay;

	if (class_gives_way((enum conn_class)c->class)) {
		const bool empty = class_is_empty((enum conn_class)c->class);

		relay->n_silent += (uint32_t)n;
		relay->n_empty += empty ? (uint32_t)n : 0;
		*(empty ? &relay->empty[c->source] : &relay->idle[c->source]) += (uint32_t)n;
	}
}

static inline struct relay_counts *worker_counts(const struct relay_worker *w)
{
	struct relay *relay = w->service->relay;

	return w->service->is_preview ? &relay->uncounted : &relay->page->workers[w->place.key];
}

static inline struct relay_service_counts *service_counts(const struct relay_service *s)
{
	return s->is_preview ? &s->relay->uncounted_service : &s->relay->page->services[s->index];
}

/* ---- messages.c */

/** Handles a message of slotd; the owner of ch is the relay. */
void message_received(struct channel *ch, struct message *m);
/** Answers the question with that id: 0, or a negative errno. Does nothing for id 0. */
void message_send_done(struct relay *relay, uint32_t id, int code);
/** Sends DONE for a cut that has closed n connections. */
void message_send_cut(struct relay *relay, uint32_t id, unsigned n);
void message_send_drained(struct relay_service *s, enum slot_id slot, uint32_t id);
