#pragma once

/**
 * A strict reader of HTTP/1 messages, which finds where a message ends. It refuses whatever two
 * readers might understand differently, and the relay does not follow that. Pure; bytes may come in
 * any pieces. Source: RFC 9112; RFC 9110, 5 and 8.6.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STRICT_HEAD_MAX = 64 * 1024,
	STRICT_VALUE_MAX = 64,	/* of a field that matters here */
	STRICT_METHOD_MAX = 32, /* of a method */
};

/** What a head says about its message. */
struct strict_facts {
	bool answer;	  /* false: a request */
	bool has_length;  /* Content-Length */
	bool chunked;	  /* Transfer-Encoding: chunked */
	bool close, keep; /* Connection: close, keep-alive */
	bool expect;	  /* Expect: anything */
	uint64_t length;
};

struct strict {
	struct strict_facts facts;
	uint32_t n_head; /* bytes of this head, or of these trailers */
	uint64_t chunk;	 /* bytes left of a chunk, or its size as far as it was read */
	const char *why; /* why it was refused; NULL: it was not */
	/**
	 * The method of a request, for llhttp: itself if it is one of RFC 9110 or PATCH, else POST.
	 * NULL: it is not complete yet.
	 */
	const char *method;
	uint8_t n_method; /* length of the method itself */
	bool usual;	  /* method is the method itself */
	uint8_t state;
	uint8_t spaces; /* of the start line */
	uint8_t field;	/* enum of fields that matter */
	uint8_t n_name, n_value;
	bool trailers;
	bool dull;		      /* see strict_head */
	char value[STRICT_VALUE_MAX]; /* name first, then value, in small letters */
};

/** A message is about to begin. */
void strict_start(struct strict *s, bool answer);
/**
 * Reads on in a head, at most to its end, and at most as far as lines are dull, or are not dull.
 *
 * Returns: the number of bytes read, at least one of len; *ret_done: the head ends with the last.
 * s->dull:  they are whole lines that say nothing about the length of their message to any reader,
 *	     because no field that does has a name of such a length and first letter.
 * Refused: s->why is set.
 */
size_t strict_head(struct strict *s, const char *data, size_t len, bool *ret_done);
