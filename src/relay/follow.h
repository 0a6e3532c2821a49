#pragma once

/**
 * Follows HTTP/1 on a client's connection, to know from the bytes of both sides whether it is
 * between requests. Pure: no system call, no clock, no allocation.
 *
 * Bytes are only read, never changed: the relay forwards them as they came. llhttp reads the
 * messages; before it, a strict reader of our own refuses what two readers could understand in two
 * ways. A connection that cannot be followed is pinned, for good. Source: RFC 9110, RFC 9112.
 *
 * A connection between requests needs no memory here: the relay keeps a struct follow only while a
 * request is open (see follow_between), and starts a new one at the next byte.
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
	FOLLOW_OPEN_ENOUGH = 32, /* open requests: the relay reads no more of the client for now */
	/* Open requests; a connection with more is pinned. One read of the relay holds fewer. */
	FOLLOW_OPEN_MAX = 16 * 1024,
	FOLLOW_RUN_MAX = 4095, /* what fits struct follow_run */
	FOLLOW_RUNS = 32,      /* of open requests; a connection with more is pinned */
	FOLLOW_KNOWN_MAX = 256,
	FOLLOW_HEAD_MAX = 1024,
	FOLLOW_HEAD_MISSES = 16, /* another one is kept after so many, or at once after a hit */
};

/** The beginning of a message, and the state of llhttp after it. */
struct follow_known {
	llhttp_t parser;
	bool headers_complete;
	uint16_t len; /* 0: nothing is known */
	char start[FOLLOW_KNOWN_MAX];
};

/** Open requests in a row that are alike. */
struct follow_run {
	uint16_t n : 12;
	uint16_t kind : 2; /* enum request_kind */
	uint16_t head : 1; /* HEAD */
	uint16_t old : 1;  /* HTTP/1.0 */
};

/** The messages of one side. */
struct follow_stream {
	llhttp_t parser;
	struct strict strict;
	uint64_t left; /* bytes of a body that are still to come */
	uint8_t part;
	bool headers_complete, message_complete; /* according to llhttp */
	bool fresh;				 /* llhttp has seen no byte of this message */
	uint8_t withheld;			 /* of its method: bytes of which that is so */
	const char *head; /* where it begins in the bytes that are heard now; NULL: before */
};

/** A whole head, and the state of its stream after it. */
struct follow_head {
	struct follow_stream after;
	uint16_t len;	  /* 0: nothing is known */
	uint8_t n_missed; /* heads that were others, since it was kept or met again */
	char bytes[FOLLOW_HEAD_MAX];
};

/**
 * The latest heads and beginnings of messages, for many followers. To be zeroed. Clients and
 * workers often say the same head again, which then need not be read; and nearly all answers begin
 * like the one before, so that llhttp need not read that.
 */
struct follow_memo {
	struct follow_known known[2]; /* by enum follow_side */
	struct follow_head heads[2];
};

struct follow {
	struct follow_stream client, worker;
	struct follow_memo *memo;
	const char *pinned; /* why it is pinned; NULL: it is not */
	struct follow_run
		runs[FOLLOW_RUNS]; /* of the requests whose head is complete, oldest first */
	uint8_t n_runs;
	uint16_t open;
	uint8_t expects;	      /* of the newest request */
	uint16_t n_answers, n_errors; /* that were not taken yet */
	bool answer_begun;
	bool early; /* the oldest request is answered, but not sent whole */
	bool last;
	bool client_last; /* the client has said so */
	bool switched;	  /* by a 101 */
};

/** Starts between requests. Keeps memo (may be NULL). f may be copied or dropped at any time. */
void follow_start(struct follow *f, struct follow_memo *memo);
/** One side has sent this; to be called in the order in which the relay has read it. */
void follow_heard(struct follow *f, enum follow_side who, const void *data, size_t len);
/** As follow_heard, but at most to the end of a head or of a message. Returns how many of the bytes
 * it took, at least one of len. */
size_t follow_some(struct follow *f, enum follow_side who, const void *data, size_t len);
/** Returns how many of the next bytes may pass unseen (spliced): the rest of a body of known
 * length; UINT64_MAX for a body that ends with the connection, and if pinned; 0 otherwise. */
uint64_t follow_unseen(const struct follow *f, enum follow_side who);
/** n bytes have passed unseen, at most as many as follow_unseen allows. */
void follow_skip(struct follow *f, enum follow_side who, uint64_t n);
/** One side has ended its half. The worker's end completes an answer without a length. */
void follow_ended(struct follow *f, enum follow_side who);

/** Is the connection between requests: none is open, no byte of the next has come, not pinned? */
bool follow_between(const struct follow *f);
/** Is the connection pinned? *ret_why (may be NULL) says why in a few words; static. */
bool follow_pinned(const struct follow *f, const char **ret_why);
/** Has the client begun a head, or an empty line before one, and not completed it? */
bool follow_head_open(const struct follow *f);
/** Returns how many requests have begun and are not wholly answered. */
unsigned follow_open(const struct follow *f);
/** Takes the number of final answers that have begun since the last call, and how many of them have
 * a status of 500 or more. */
void follow_take_answers(struct follow *f, unsigned *ret_n, unsigned *ret_errors);
/** Has the client sent all of the requests it began? */
bool follow_requests_whole(const struct follow *f);
/** Has any byte of an answer, even an interim one, to the oldest open request come? */
bool follow_answer_begun(const struct follow *f);
/** Is the only open request answered, while its body still arrives (as after 413)? */
bool follow_answered_early(const struct follow *f);
/** Does the connection end after this request (Connection: close, or HTTP/1.0)? */
bool follow_last(const struct follow *f);
/** Has the client itself said so? It must not send anything more then: RFC 9112, 9.6. */
bool follow_client_last(const struct follow *f);
/** Was it pinned by an answer 101, after which another protocol is used? */
bool follow_switched(const struct follow *f);
/** Returns the kind of the oldest open request; REQUEST_OTHER if it is not known. */
enum request_kind follow_kind(const struct follow *f);
