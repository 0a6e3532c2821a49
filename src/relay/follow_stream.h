#pragma once

/**
 * Pure: the messages of one side, for follow.c.
 *
 * Two readers must agree: llhttp, and the strict one. The strict one decides how far a head or a
 * chunked body goes; llhttp reads these bytes, and must come to their end with the last of them.
 * Kept from it are only whole lines in which the strict one finds neither a fault nor a length:
 * they would be half of a request's cost.
 */

#include "follow.h"

enum part {
	PART_START, /* no byte of a message yet */
	PART_BLANK, /* the CR of an empty line before a request: RFC 9112, 2.2 */
	PART_HEAD,
	PART_COUNTED, /* a body of known length */
	PART_CHUNKED,
	PART_TO_END, /* a body that ends with the connection */
};

/** The next byte begins a message. */
void stream_start(struct follow_stream *s);
/** The first byte of a message is there. */
void stream_begin(struct follow_stream *s, llhttp_type_t type);
/** Has llhttp read all of it, and come to an end (done) with the last byte, or not at all? */
bool stream_agrees(struct follow_stream *s, const char *data, size_t len, bool done,
		   const bool *ended);
/**
 * Shows llhttp the method of a request. llhttp knows some methods and no others: so it is shown the
 * method when that is whole, as POST where it is not one of the usual, since it reads those alike.
 *
 * @ret_had  of the n bytes at hand llhttp needs no more of so many.
 * Returns:  false if it disagrees.
 */
bool stream_show_method(struct follow_stream *s, size_t n, size_t *ret_had);
/** As stream_agrees, for a head: the same bytes at its beginning mean the same again. Keeps what it
 * learns in known (may be NULL). */
bool stream_head_agrees(struct follow_known *known, struct follow_stream *s, const char *data,
			size_t len, bool done);
/** Do both readers mean the same body? */
bool stream_facts_agree(const struct follow_stream *s);
