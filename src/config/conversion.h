#pragma once

/** A conversion of Python's % operator, such as "%(name)-05.2d", taken apart. */

#include <slotd/strbuf.h>

#include <stdbool.h>

enum {
	CONVERSION_WHY_MAX = 96, /* of a reason */
};

struct conversion {
	char name[256];
	bool alternate, zero, left, blank, plus;
	int width, precision; /* -1: not given */
	char type;
	size_t at; /* index of type in the raw text, for messages */
};

/**
 * Appends a number as the conversion says.
 *
 * Returns: NULL; or the reason why that is impossible, in Python's words.
 */
const char *conversion_number(struct strbuf *out, const struct conversion *c, long number);
/** Likewise for a text. why: a buffer of CONVERSION_WHY_MAX bytes for the reason. */
const char *conversion_text(struct strbuf *out, const struct conversion *c, const char *text,
			    char *why);
