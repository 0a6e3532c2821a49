#pragma once

/**
 * HTTP: libmicrohttpd, driven by our loop (its epoll descriptor, its time-outs).
 *
 * A server is a listening socket that slotd handed in, with its own authentication. A client is a
 * connection, a request what is asked on it, a route who answers. A request that is not answered
 * when it is complete is parked: its connection is suspended, and watched for its client going
 * away. Bounds: clients a server, time for a request to arrive, its size, idle time.
 */

#include "auth.h"
#include "peer.h"

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
	HTTP_HEADERS_MAX = 8,	/* of an answer, beside those it always has */
	HTTP_CLIENTS_MAX = 250, /* of one server; then the longest idle one is closed */
	HTTP_HEADER_MAX = 32 * 1024,
	HTTP_BODY_MAX = 4 << 20,
	HTTP_SMALL_BODY = 64 * 1024,   /* read even when the request is refused */
	HTTP_IDLE_SECONDS = 30 * 60,   /* between requests of a client that made a good one */
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

/** Who answers what. A row of the table in routes.c. */
struct route {
	const char *path;
	bool prefix;	  /* everything that begins with path */
	unsigned methods; /* enum http_method */
	/** Headers are here; a body may follow. 0 or -errno (then 500). May be NULL. */
	int (*begin)(struct request *rq);
	/** Part of the body. May be NULL: none is wanted. */
	void (*body)(struct request *rq, const void *data, size_t len);
	/** It is complete: request_reply now, or later. */
	void (*run)(struct request *rq);
	/** It was answered or its client left: frees request_data. May be NULL. */
	void (*gone)(struct request *rq);
};
/** The row for a path, NULL when there is none. routes.c. */
const struct route *route_find(const char *path);

struct server {
	struct http *http;
	uint64_t index;
	int fd;
	struct loop_io io;
	bool unix_socket;
	struct auth auth;
	struct client *first, *last; /* longest idle first */
	unsigned n_clients;	     /* without those that are being closed */
	bool gone;		     /* freed with its last client */
};

struct http {
	struct control *control;
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct loop_io io;
	struct loop_timer timer;
	struct loop_idle turn;
	int gone_fd; /* epoll: clients that must be noticed when they leave */
	struct loop_io gone_io;
	VEC(struct server *) servers;
	bool accepting;
	struct loop_timer accept_again; /* after EMFILE */
	struct log_once exhausted;
	struct client *arriving;    /* during MHD_add_connection */
	size_t receiving, replying; /* bytes */
};

int http_init(struct http *h, struct control *control, struct loop *loop);
void http_done(struct http *h);
/** Takes fd, a listening socket. Replaces a server of that index. 0, -ENOMEM, -ENOSPC. */
int http_listen(struct http *h, uint64_t index, int fd, const char *username, const char *password);
void http_listen_gone(struct http *h, uint64_t index);
/** From now on connections are taken; before, they queue in the kernel. */
void http_accept(struct http *h);
/** Sends what was answered, as far as it goes without waiting: before the end. */
void http_flush(struct http *h);

/* ---- for routes ---- */

struct control *request_control(const struct request *rq);
const struct peer *request_peer(const struct request *rq);
/** Percent-decoded path without the query. */
const char *request_path(const struct request *rq);
/** Decoded argument of the query, NULL when it is not there. Borrowed from the request. */
const char *request_argument(const struct request *rq, const char *name);
/** A header's value, NULL when it is not there. Borrowed from the request. */
const char *request_header(const struct request *rq, const char *name);
void *request_data(const struct request *rq);
void request_set_data(struct request *rq, void *data);

/** A header of the answer to come, at most HTTP_HEADERS_MAX. Keeps name, copies value. */
void request_set_header(struct request *rq, const char *name, const char *value);
/** The answer. Takes the text. A failure to make it closes the connection. */
void request_reply(struct request *rq, unsigned status, const char *type, struct strbuf *text);
/** A page for people that says the status. */
void request_reply_status(struct request *rq, unsigned status);

/**
 * An answer without end. read gives the next bytes; 0: none yet, it is asked again after
 * request_stream_more; negative: end.
 */
typedef ssize_t request_read_fn(void *data, char *buf, size_t size);
void request_stream(struct request *rq, const char *type, request_read_fn *read);
void request_stream_more(struct request *rq);
