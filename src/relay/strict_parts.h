#pragma once

/**
 * What the parts of the strict reader share: strict.c reads heads, strict_fields.c the fields that
 * matter, strict_chunks.c chunked bodies.
 */

#include "strict.h"

enum state {
	START_FIRST, /* first byte of a message */
	START_LINE,
	LINE_FEED, /* CR was there */
	FIELD_FIRST,
	FIELD_NAME,
	FIELD_VALUE,
	HEAD_FEED, /* CR of the empty line was there */
	SIZE_FIRST,
	SIZE,
	SIZE_FEED,
	CHUNK,
	CHUNK_RETURN,
	CHUNK_FEED,
};

enum field {
	FIELD_OTHER,
	FIELD_LENGTH,
	FIELD_CODING,
	FIELD_CONNECTION,
	FIELD_EXPECT,
	FIELD_LOOKALIKE, /* Content_Length: to CGI and its kin it is the same */
};

static inline bool is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline char lower(char c)
{
	return is_capital(c) ? (char)(c - 'A' + 'a') : c;
}

static inline void strict_refuse(struct strict *s, const char *why)
{
	s->why = why;
}
