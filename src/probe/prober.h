#pragma once

/**
 * The checks that are going on. At most PROBER_RUNNING_MAX run at a time, the others wait in order;
 * the timeout of a check counts from its own beginning. Each ends once, with a verdict for slotd.
 */

#include "request.h"
#include "verdict.h"

#include <slotd/channel.h>
#include <slotd/loop.h>
#include <slotd/usec.h>

#include <curl/curl.h>

enum {
	PROBER_RUNNING_MAX = 256,
	PROBER_WAITING_MAX = 8192,
};

struct prober;

struct check {
	struct prober *prober;
	struct check *next, *previous; /* in one of the prober's lists */
	uint32_t id;
	struct request request;
	usec_t began; /* 0: waits */
	int fd;	      /* tcp.c: ours; http.c: libcurl's */
	/* tcp.c */
	struct loop_io io;
	struct loop_timer timer;
	/* http.c */
	CURL *easy;
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	char body[VERDICT_BODY_MAX];
	size_t body_len;
};

struct check_list {
	struct check *first, *last;
	unsigned len;
};

/** libcurl's multi interface on our loop. */
struct http {
	struct prober *prober;
	CURLM *multi;
	struct loop_timer timer;
};

struct prober {
	struct loop *loop;
	struct channel *channel; /* kept */
	struct check_list running, waiting;
	struct http http;
	struct loop_idle next; /* begins what waits, once a turn */
	int failed;	       /* why this process cannot go on; 0 */
};

/** Keeps loop and channel. Returns 0 or -ENOMEM. */
int prober_init(struct prober *p, struct loop *loop, struct channel *channel);
/** Drops all checks without a verdict. */
void prober_done(struct prober *p);

/** This process cannot go on: ends the loop. Another one takes over, and is asked again. */
void prober_fail(struct prober *p, int error);
/** Handles MSG_PROBE: begins a check now or when others have ended, or answers why it cannot. */
void prober_ask(struct prober *p, const struct message *m);

/** The outcome of the check is known: answers slotd and frees the check. */
void check_finish(struct check *c, const struct outcome *o);

/** Sends the PROXY header, if the worker expects one. Returns 0 or -errno. */
int check_introduce(const struct check *c);
/**
 * Prepares a socket: the local port that the kernel chooses for it may be that of a worker that is
 * not up yet, which must be able to bind it all the same, also while the connection is in
 * TIME_WAIT.
 */
void probe_socket_made(int fd);
