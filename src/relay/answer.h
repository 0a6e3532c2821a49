#pragma once

/**
 * Where an HTTP/1 answer ends, as far as its bytes tell. Pure.
 *
 * Looked at only while a slot drains: a kept-alive client that asks without a pause is never idle
 * for long, so its connection is closed with the last byte of an answer, where its next request
 * cannot cross the end. Whatever does not read as one plain request and its answer (another
 * protocol, pipelining, an upgrade) is ANSWER_UNKNOWN, and the pause decides as everywhere else.
 *
 * Source: RFC 9112.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum answer_state {
	ANSWER_UNKNOWN,
	ANSWER_HEAD, /* the next byte is the first of a status line */
	ANSWER_BODY, /* left more bytes */
	/* chunked: */
	ANSWER_CHUNK_SIZE,   /* in a size line; left is what its digits say so far */
	ANSWER_CHUNK_EXT,    /* in the rest of that line */
	ANSWER_CHUNK,	     /* left more bytes, with the line end after them */
	ANSWER_TRAILER,	     /* at the start of a line after the last chunk */
	ANSWER_TRAILER_CR,   /* of a line that is empty so far */
	ANSWER_TRAILER_TEXT, /* inside a line of it */
	ANSWER_COMPLETE,
	ANSWER_STATE_MAX_,
	ANSWER_STATE_INVALID_ = -22,
};

struct answer {
	uint64_t left;
	uint8_t state; /* enum answer_state */
};

/**
 * The client has spoken.
 *
 * @first  it had been the worker's turn before: what it says begins a request.
 */
void answer_asked(struct answer *a, const void *data, size_t len, bool first);

/** The worker has spoken. True when the answer ends with the last of these bytes. */
bool answer_heard(struct answer *a, const void *data, size_t len) __attribute__((nonnull));
