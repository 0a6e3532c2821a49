#pragma once

/**
 * %(name)s: Python's % formatting with a mapping, as Supervisor applies it to every value.
 *
 * A conversion without a name is an error: Python would print the whole mapping, and with it the
 * environment.
 */

#include <slotd/diag.h>
#include <slotd/map.h>
#include <slotd/strbuf.h>

#include <stdbool.h>

struct expansion {
	const char *name;
	const char *text; /* NULL: number */
	long number;
};

/** Names and what they stand for; a parent is asked for what is not found. Keeps all texts. */
struct expansions {
	struct expansion at[8];
	unsigned len;
	const struct map *env; /* "ENV_X" -> text; may be NULL */
	const struct expansions *parent;
};

void expansions_text(struct expansions *e, const char *name, const char *text);
void expansions_number(struct expansions *e, const char *name, long number);

enum {
	EXPAND_MAX = 256 << 10, /* bytes of one expanded value */
	EXPAND_WIDTH_MAX = 4096,
};

/**
 * @label  names the option in messages: "program:web.command".
 * @out    appended to; in an undefined state on failure.
 * Returns: 0; -ENOENT unknown name, -EINVAL malformed, -E2BIG too long, -ENOMEM; diag says why in
 *          Supervisor's words.
 */
int expand(const char *raw, const char *label, const struct expansions *with, struct strbuf *out,
	   struct diag *diag);

/**
 * The second expansion that Supervisor makes of some values. What cannot be expanded again was
 * meant to be expanded once, and stands as it is.
 *
 * Returns: 0; 1 when something was left so; -E2BIG, -ENOMEM.
 */
int expand_again(const char *text, const struct expansions *with, struct strbuf *out);
