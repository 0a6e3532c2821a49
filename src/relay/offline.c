#include "offline.h"

#include "conn_close.h"
#include "conn_lists.h"
#include "conn_place.h"
#include "conn_watch.h"
#include "exchange.h"
#include "relay.h"
#include "reply.h"
#include "service_facts.h"

#include <slotd/cleanup.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Connections that get their answers from this relay: the service is offline, or nobody can take
 * them. A connection waits without memory (FRESH, PARKED) until its client speaks. Then it has a
 * struct reply, in the class ANSWERED, until it is between requests again. Whatever it says next is
 * placed as ever, so that it goes to a worker once there is one.
 */

enum {
	ANSWERS_A_TURN = 16, /* pipelined requests of a client; others have their turn then */
	READ_SIZE = 16 * 1024,
};

/* ---- the connection */

static void enter(struct conn *c, enum conn_class class)
{
	conn_leave(c);
	conn_enter(c, NULL, class);
}

static void wait_for_request(struct conn *c, enum conn_class class)
{
	reply_drop(c);
	enter(c, class);
	conn_watch(c, CLIENT, LOOP_READ);
}

/* After its last answer. What the client still sends is read, so that a reset does not overtake the
 * answer. */
static void end_well(struct conn *c)
{
	if (c->side[CLIENT].eof) {
		conn_end(c);
		return;
	}
	reply_drop(c);
	(void)shutdown(c->side[CLIENT].fd, SHUT_WR);
	enter(c, CONN_LINGER);
	conn_watch(c, CLIENT, LOOP_READ);
}

/* Between two requests a worker may take over, with the n bytes that are there already. */
static void go_on(struct conn *c, const unsigned char *data, size_t n)
{
	memmove(copier_buffer(&c->service->relay->copier), data, n);
	reply_drop(c);
	conn_place_first(c, n);
}

static void wait_to_send(struct conn *c, const unsigned char *data, size_t n)
{
	if (!reply_put_by(c->reply, data, n)) {
		conn_end(c);
		return;
	}
	conn_watch(c, CLIENT, LOOP_WRITE);
}

/* The answer to a request, after which there are n bytes. True: there may be more to answer. */
static bool answer(struct conn *c, const unsigned char *data, size_t n)
{
	int r = reply_compose(c) ? reply_send(c) : -ENOMEM;

	if (r < 0) {
		conn_end(c);
		return false;
	}
	if (r == 0) {
		wait_to_send(c, data, n);
		return false;
	}
	if (c->reply->last) {
		end_well(c);
		return false;
	}
	answer_start(&c->reply->request);
	return true;
}

/* What the client has said: a request after the other is answered. */
static void hear(struct conn *c, const unsigned char *data, size_t n)
{
	for (unsigned turns = ANSWERS_A_TURN; n; turns--) {
		enum answer_step step;
		size_t taken;

		if (!answer_begun(&c->reply->request) && !service_answers(c->service)) {
			go_on(c, data, n);
			return;
		}
		if (!turns) {
			wait_to_send(c, data, n);
			return;
		}
		step = answer_hear(&c->reply->request, data, n, &taken);
		data += taken;
		n -= taken;
		if (step == ANSWER_REFUSED) {
			conn_end(c);
			return;
		}
		if (step == ANSWER_DUE && !answer(c, data, n)) {
			return;
		}
	}
	if (!answer_begun(&c->reply->request)) {
		wait_for_request(c, CONN_PARKED);
	} else {
		conn_watch(c, CLIENT, LOOP_READ);
	}
}

void offline_begin(struct conn *c, size_t n)
{
	exchange_end(c);
	if (c->service->protocol == PROTOCOL_TCP) {
		conn_end(c); /* nobody knows how to say it to them */
		return;
	}
	if (n == 0) {
		wait_for_request(c, c->client_spoke ? CONN_PARKED : CONN_FRESH);
		return;
	}
	c->reply = calloc(1, sizeof(*c->reply));
	if (!c->reply) {
		conn_end(c);
		return;
	}
	answer_start(&c->reply->request);
	enter(c, CONN_ANSWERED);
	hear(c, copier_buffer(&c->service->relay->copier), n);
}

static void hear_more(struct conn *c)
{
	unsigned char *buffer = copier_buffer(&c->service->relay->copier);
	ssize_t n = recv(c->side[CLIENT].fd, buffer, READ_SIZE, 0);

	if (n > 0) {
		hear(c, buffer, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		conn_end(c); /* in the middle of a request */
	}
}

/* The client takes more: of the answer, then of what it has asked for since. */
static void go_on_sending(struct conn *c)
{
	struct reply *r = c->reply;
	auto_free unsigned char *rest = NULL;
	size_t n;

	if (r->page) {
		int sent = reply_send(c);

		if (sent < 0) {
			conn_end(c);
			return;
		}
		if (!sent) {
			return;
		}
		if (r->last) {
			end_well(c);
			return;
		}
		answer_start(&r->request);
		enter(c, CONN_ANSWERED); /* its time begins anew */
	}
	rest = TAKE_PTR(r->rest);
	n = r->n_rest;
	r->n_rest = 0;
	hear(c, rest, n);
}

void offline_event(struct conn *c)
{
	if (reply_sends(c)) {
		go_on_sending(c);
	} else {
		hear_more(c);
	}
}
