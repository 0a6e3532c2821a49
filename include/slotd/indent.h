#pragma once

/**
 * Text below a step of a job, what commands print for one, as people see it: each line behind a
 * bar, without control characters, and cut where it gets too long. Pure.
 *
 *	             | Cloning into 'src'...
 */

#include <stddef.h>
#include <stdint.h>

#define INDENT_PREFIX "             | "

enum {
	INDENT_LINE_MAX = 999, /* bytes of text in a line; the rest is the next line */
};

/** Room for what n bytes may become. */
#define INDENT_ROOM(n) (sizeof(INDENT_PREFIX) * (n) + sizeof(INDENT_PREFIX))

/**
 * Indents n bytes; text may be cut anywhere.
 *
 * @column  0 at first; between two calls it says how much of a line is begun.
 * @out     room for INDENT_ROOM(n); must not overlap in.
 * Returns: bytes in out.
 */
size_t indent_run(uint32_t *column, const char *in, size_t n, char *out);
/** The text is over: ends a line that is begun. At most 1 byte into out. */
size_t indent_end(uint32_t *column, char *out);
