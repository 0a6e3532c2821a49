#pragma once

/**
 * Following HTTP/1 on one connection of a client: from what both sides have said so far, is it
 * between requests? Pure: no system call, no clock, no allocation.
 *
 * Bytes are only looked at, never changed: the relay forwards them as they came. llhttp reads the
 * messages; a strict reader of our own in front of it refuses to follow what two readers could
 * understand in two ways. What cannot be followed is pinned, for good. Source: RFC 9110, RFC 9112.
 *
 * One that is between requests needs no memory here: the relay keeps a struct follow only while
 * something is open (follow_between says when not), and starts a new one with the next byte.
 */

#include "strict.h"

#include <llhttp.h>

enum follow_side { FOLLOW_CLIENT, FOLLOW_WORKER };

enum request_kind {
	REQUEST_SAFE,	    /* GET, HEAD, OPTIONS (RFC 9110, 9.2.1) */
	REQUEST_IDEMPOTENT, /* PUT, DELETE */
	REQUEST_OTHER,
};

enum {
	FOLLOW_OPEN_MAX = 32, /* requests that may be open at once; with more it is pinned */
	FOLLOW_KNOWN_MAX = 256,
};

/** How a message began, and what llhttp made of it. */
struct follow_known {
	llhttp_t parser;
	bool headers_complete;
	uint16_t len; /* 0: nothing is known */
	char start[FOLLOW_KNOWN_MAX];
};

/**
 * The newest beginnings of messages, for many followers: nearly all answers begin as the one
 * before did, and what llhttp makes of the same bytes need not be found out again. Starts zeroed.
 */
struct follow_memo {
	struct follow_known known[2]; /* by enum follow_side */
};

/** What one side says. */
struct follow_stream {
	llhttp_t parser;
	struct strict strict;
	uint64_t left; /* of a body that is counted */
	uint8_t part;
	bool headers_complete, message_complete; /* llhttp said so */
	bool fresh;				 /* llhttp has seen no byte of this message */
};

struct follow {
	struct follow_stream client, worker;
	struct follow_memo *memo;
	const char *pinned; /* not NULL: why */
	uint64_t kinds;	    /* two bits a request, the oldest lowest: enum request_kind */
	uint32_t heads;	    /* one bit a request: HEAD */
	uint32_t olds;	    /* one bit a request: HTTP/1.0 */
	uint8_t open;
	uint8_t expects; /* of the newest request */
	bool answer_begun;
	bool early; /* the oldest request is answered, and still comes */
	bool last;
	bool switched; /* by a 101 */
};

/** A connection between requests. Keeps memo (may be NULL); f may be copied or dropped any time. */
void follow_start(struct follow *f, struct follow_memo *memo);
/** One side said this. In the order in which the relay read it. */
void follow_heard(struct follow *f, enum follow_side who, const void *data, size_t len);
/** How many of its next bytes may pass unseen (spliced): the rest of a body of known length;
 * UINT64_MAX for a body that ends with the connection, and when pinned; 0 otherwise. */
uint64_t follow_unseen(const struct follow *f, enum follow_side who);
/** n bytes passed unseen; at most follow_unseen. */
void follow_skip(struct follow *f, enum follow_side who, uint64_t n);
/** One side ended its half. The worker's end completes an answer that lasts until then. */
void follow_ended(struct follow *f, enum follow_side who);

/** No request open, nothing of a next one has come, not pinned. */
bool follow_between(const struct follow *f);
/** Cannot be followed (any more). *ret_why (may be NULL): in a few words, static. */
bool follow_pinned(const struct follow *f, const char **ret_why);
/** The client has begun a head and not ended it. */
bool follow_head_open(const struct follow *f);
/** Requests begun and not yet answered whole. */
unsigned follow_open(const struct follow *f);
/** Has the client sent all of the requests it began? */
bool follow_requests_whole(const struct follow *f);
/** Any byte of an answer, be it interim, to the oldest open request. */
bool follow_answer_begun(const struct follow *f);
/** The final answer to the one open request is there whole, while its body still comes (413). */
bool follow_answered_early(const struct follow *f);
/** A request or an answer said that the connection ends after it (Connection: close; HTTP/1.0). */
bool follow_last(const struct follow *f);
/** Pinned by an answer 101: the connection speaks another protocol by now. */
bool follow_switched(const struct follow *f);
/** What the oldest open request is; REQUEST_OTHER when that is not known. */
enum request_kind follow_kind(const struct follow *f);
