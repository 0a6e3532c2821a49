#pragma once

/**
 * Reads a cookie of the request whose head begins these bytes. Pure: nothing is changed, and what
 * does not look like HTTP/1 has no cookie.
 */

#include <slotd/switchboard.h>

#include <stdint.h>

enum {
	COOKIE_HEAD_MAX = 16 * 1024, /* of a longer head only so much is read */
};

enum cookie_found {
	COOKIE_ABSENT,
	COOKIE_MORE, /* the head is not complete, and the cookie may still come */
	COOKIE_SLOT, /* its value is a or b */
	COOKIE_HASH, /* it has another value */
};

/**
 * Looks for the cookie.
 *
 * @ret_slot  COOKIE_SLOT: which slot it names.
 * @ret_hash  COOKIE_HASH: a hash of its value.
 */
enum cookie_found cookie_find(const char *data, size_t len, const char *name,
			      enum slot_id *ret_slot, uint32_t *ret_hash);
