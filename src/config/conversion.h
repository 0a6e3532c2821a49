#pragma once

/** One conversion of Python's % operator: "%(name)-05.2d" once it is taken apart. */

#include <slotd/strbuf.h>

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
 * Append a value as the conversion says.
 *
 * Returns: NULL, or why not, in Python's words.
 */
const char *conversion_number(struct strbuf *out, const struct conversion *c, long number);
/** @why  room for the reason, CONVERSION_WHY_MAX. */
const char *conversion_text(struct strbuf *out, const struct conversion *c, const char *text,
			    char *why);
