#pragma once

/**
 * HTTP: libmicrohttpd, driven by our loop (its epoll descriptor, its time-outs).
 *
 * A server is a listening socket from slotd, with its own authentication. A client is a connection;
 * a route answers its requests. A request that is not answered when it is complete is parked: its
 * connection is suspended, and watched for the client going away. Limits: clients of a server, time
 * for a request to arrive, its size, idle time.
 */

#include "auth.h"
#include "peer.h"
#include "readers.h"

#include <slotd/log.h>
#include <slotd/loop.h>
#include <slotd/strbuf.h>
#include <slotd/vec.h>

#include <microhttpd.h>

struct control;
struct http;
struct client;
struct request;

enum {
	HTTP_SERVERS_MAX = 32,
	HTTP_HEADERS_MAX = 8,	/* of an answer, besides those that it always has */
	HTTP_CLIENTS_MAX = 250, /* of one server; then the one that is idle longest is closed */
	HTTP_HEADER_MAX = 32 * 1024,
	HTTP_BODY_MAX = 4 << 20,
	HTTP_SMALL_BODY = 64 * 1024,   /* read even if the request is refused */
	HTTP_IDLE_SECONDS = 30 * 60,   /* between requests of a client that has made a valid one */
	HTTP_REQUEST_SECONDS = 20,     /* for the first one to arrive; for a body */
	HTTP_RECEIVING_MAX = 64 << 20, /* all bodies together */
	HTTP_REPLYING_MAX = 128 << 20, /* all answers on their way; then only small ones */
	HTTP_SMALL_REPLY = 64 * 1024,
};

enum http_method {
	HTTP_GET = 1,
	HTTP_HEAD = 2,
	HTTP_POST = 4,
};

/** How requests for a path are answered: a row of the table in routes.c. */
struct route {
	const char *path;
	bool prefix;	  /* for every path that begins with path */
	unsigned methods; /* enum http_method */
	enum role role;	  /* that its client must have; ROLE_READ: for everything */
	bool ours;	  /* another method is answered 405; what Supervisor has, its 400 */
	/** The headers have arrived, and a body may follow. Returns 0, or -errno, which is answered
	 * with 500. May be NULL. */
	int (*begin)(struct request *rq);
	/** A part of the body has arrived. NULL: no body is wanted. */
	void (*body)(struct request *rq, const void *data, size_t len);
	/** The request is complete: calls request_reply now or later. */
	void (*run)(struct request *rq);
	/** The request was answered, or its client has left: frees request_data. May be NULL. */
	void (*gone)(struct request *rq);
};
/** The row for a path, NULL when there is none. */
typedef const struct route *route_find_fn(const char *path);
route_find_fn route_find; /* of all that there are; routes.c */

struct server {
	struct http *http;
	uint64_t index;
	int fd;
	struct loop_io io;
	bool unix_socket;
	struct auth auth;
	struct client *first, *last; /* longest idle first */
	unsigned n_clients;	     /* without those that are being closed */
	bool gone;		     /* it is freed with its last client */
};

struct http {
	struct control *control;
	struct loop *loop;
	route_find_fn *find_route; /* that of routes.c */
	struct MHD_Daemon *daemon;
	struct loop_io io;
	struct loop_timer timer;
	struct loop_idle turn;
	int gone_fd; /* epoll: for clients whose leaving must be noticed */
	struct loop_io gone_io;
	VEC(struct server *) servers;
	bool accepting;
	struct loop_timer accept_again; /* after EMFILE */
	struct log_once exhausted;
	struct client *arriving;    /* during MHD_add_connection */
	size_t receiving, replying; /* bytes */
};

/** Keeps control and loop. Returns 0 or -errno; http_done frees it in both cases. */
int http_init(struct http *h, struct control *control, struct loop *loop, route_find_fn *find);
void http_done(struct http *h);
/**
 * Takes fd, a listening socket. Replaces a server with that index, unless it is the same already.
 * Returns 0; or -ENOMEM, -ENOSPC or what getrandom(2) says, and the former server goes on.
 */
int http_listen(struct http *h, uint64_t index, int fd, const char *username, const char *password);
/** From now on connections are accepted; before, they wait in the kernel. */
void http_accept(struct http *h);
/** Sends answers, as far as that is possible without waiting; to be called before the end. */
void http_flush(struct http *h);

/* ---- for routes ---- */

/** Both are borrowed; of the client that has sent the request. */
struct control *request_control(const struct request *rq);
const struct peer *request_peer(const struct request *rq);
/** Returns the percent-decoded path without the query. */
const char *request_path(const struct request *rq);
/** Returns a decoded argument of the query, borrowed from the request; NULL if it is missing. */
const char *request_argument(const struct request *rq, const char *name);
/** Returns the value of a header, borrowed from the request; NULL if it is missing. */
const char *request_header(const struct request *rq, const char *name);
/** What a route keeps for the request, and frees when it is gone. NULL at first. */
void *request_data(const struct request *rq);
void request_set_data(struct request *rq, void *data);

/** Sets a header of the answer, at most HTTP_HEADERS_MAX. Keeps name, copies value. */
void request_set_header(struct request *rq, const char *name, const char *value);
/** Answers the request. Takes the text. If that fails, the connection is closed. */
void request_reply(struct request *rq, unsigned status, const char *type, struct strbuf *text);
/** Answers with a page for people that shows the status. */
void request_reply_status(struct request *rq, unsigned status);

typedef ssize_t request_read_fn(void *data, char *buf, size_t size);
/**
 * Answers with 200 and a text that is made while it is sent. read returns the next bytes; 0 at the
 * end; a negative number if it fails, and the client sees that the text is cut.
 */
void request_reply_parts(struct request *rq, const char *type, request_read_fn *read);
/**
 * Answers without an end. read returns the next bytes; 0 if there are none yet, and it is called
 * again after request_stream_more; a negative number at the end.
 */
void request_stream(struct request *rq, const char *type, request_read_fn *read);
void request_stream_more(struct request *rq);
