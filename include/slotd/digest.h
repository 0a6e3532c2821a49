#pragma once

/** FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/: tells texts apart that nobody forges. */

#include <stddef.h>
#include <stdint.h>

/** Of no bytes. */
#define DIGEST_EMPTY UINT64_C(0xcbf29ce484222325)

/** Of what h is of, and len more bytes. */
static inline uint64_t digest_add(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	}
	return h;
}
