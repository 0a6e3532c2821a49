#pragma once

/** The answer of this relay to one request of a connection. */

#include "answer.h"
#include "connection.h"
#include "page.h"

struct reply {
	struct answer_request request;
	struct page *page; /* that is being sent; NULL: none is */
	char head[ANSWER_HEAD_MAX];
	size_t n_head, sent, total;
	bool last;
	unsigned char *rest; /* what the client has said after the request that is answered */
	size_t n_rest;
};

/** Composes the answer to the request. False: without memory. */
bool reply_compose(struct conn *c);
/** Sends what is left of it. 1: all of it is sent; 0: the client does not take more now; or -errno.
 */
int reply_send(struct conn *c);
/** Keeps what the client has said after the request for later. False: without memory. */
bool reply_put_by(struct reply *r, const unsigned char *data, size_t n);
/** Is a connection that is ANSWERED sending, so that nothing is read? */
bool reply_sends(const struct conn *c);
/** Forgets what is to be answered. Harmless if it is nothing. */
void reply_drop(struct conn *c);
