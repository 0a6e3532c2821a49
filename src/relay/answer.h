#pragma once

/**
 * Pure: HTTP/1 that is answered without a worker. Finds where a request ends, what it asks for, and
 * composes the head of its answer. No system call, no allocation.
 *
 * One struct answer_request reads one request: the bytes after it belong to the next one.
 */

#include "follow.h"

#include <slotd/usec.h>

enum {
	ANSWER_LINE_MAX = 1024, /* of a request's beginning, in which its path is looked for */
	ANSWER_BODY_MAX = 1024 * 1024, /* a client that sends more loses its connection */
	ANSWER_HEAD_MAX = 512,
	ANSWER_TYPE_MAX = 64,
};

struct answer_request {
	struct follow follow;
	uint64_t n_body; /* bytes of its body so far */
	uint16_t n_line;
	bool read_out; /* its head is complete */
	char line[ANSWER_LINE_MAX];
};

enum answer_step {
	ANSWER_MORE,	/* the request has not come whole */
	ANSWER_DUE,	/* it is to be answered now */
	ANSWER_REFUSED, /* not HTTP/1, or nothing that two readers understand alike */
};

/** The next byte begins a request. */
void answer_start(struct answer_request *q);
/**
 * Reads on, at most to the end of the request.
 *
 * A request with a body is due when all of it has come. Due at once are one that waits for 100
 * (Continue) and one with too long a body: answer_is_last then.
 *
 * @ret_n  how many of the len bytes it took.
 */
enum answer_step answer_hear(struct answer_request *q, const void *data, size_t len, size_t *ret_n);
/** Has any byte of a request come, other than whole empty lines before it? */
bool answer_begun(const struct answer_request *q);

/* Of a request that is due: */
/** Must the connection end after its answer? */
bool answer_is_last(const struct answer_request *q);
/** Does it want the head of the answer only? */
bool answer_is_head(const struct answer_request *q);
/** Is its path, without a query, one of the words of paths (may be NULL)? */
bool answer_asks_for(const struct answer_request *q, const char *paths);

/** What an answer says of itself. */
struct answer_head {
	bool healthy;	    /* 200; else 503 */
	const char *type;   /* Content-Type */
	uint64_t length;    /* of the body, which is not sent for HEAD */
	usec_t retry_after; /* rounded up to seconds; 0: it does not say */
	bool last;	    /* the connection ends */
	bool old;	    /* to HTTP/1.0 */
	usec_t now;	    /* wall clock */
};
/** Writes the head with its empty line into buf. Returns its length. */
size_t answer_compose(const struct answer_head *head, char buf[ANSWER_HEAD_MAX]);
/** Was it asked in HTTP/1.0? */
bool answer_is_old(const struct answer_request *q);
