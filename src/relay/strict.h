#pragma once

/**
 * A strict reader of HTTP/1 messages: where a message ends, if nobody could see that in another
 * way. Whatever two readers might understand differently it refuses: the relay does not follow
 * that. Pure; bytes may come in any pieces. Source: RFC 9112; RFC 9110, 5 and 8.6.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STRICT_HEAD_MAX = 64 * 1024,
	STRICT_VALUE_MAX = 64, /* of a field that matters here */
};

/** What a head says that decides about its message. */
struct strict_facts {
	bool answer;	  /* else a request */
	bool has_length;  /* Content-Length */
	bool chunked;	  /* Transfer-Encoding: chunked */
	bool close, keep; /* Connection: close, keep-alive */
	bool expect;	  /* Expect: whatever it is */
	uint64_t length;
};

struct strict {
	struct strict_facts facts;
	uint32_t n_head; /* bytes of this head, or of these trailers */
	uint64_t chunk;	 /* bytes left of a chunk, or its size as far as it is read */
	const char *why; /* not NULL: refused, and why */
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
 * Reads on in a head: at most to its end, or of lines that are dull, or of lines that are not.
 *
 * Returns: bytes read, at least one of len; *ret_done: the head ended with the last of them.
 * s->dull:  they are whole lines that say nothing about the length of their message, whoever reads
 *	     them: no field that does has a name of such a length and first letter.
 * Refused: s->why is set.
 */
size_t strict_head(struct strict *s, const char *data, size_t len, bool *ret_done);
/** The head is done, and a chunked body follows. */
void strict_chunks(struct strict *s);
/** The same for a chunked body and its trailers: at most to the end of a line of these. */
size_t strict_chunked(struct strict *s, const char *data, size_t len, bool *ret_done);
