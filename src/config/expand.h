#pragma once

/**
 * Expands %(name)s: Python's % formatting with a mapping, which Supervisor applies to every value.
 *
 * A conversion without a name is an error: Python would print the whole mapping, and with it the
 * environment.
 */

#include <slotd/diag.h>
#include <slotd/map.h>
#include <slotd/strbuf.h>

struct expansion {
	const char *name;
	const char *text; /* NULL: number */
	long number;
};

/** Names and their values; names that are not found are looked up in the parent. Keeps all texts.
 */
struct expansions {
	struct expansion at[8];
	unsigned len;
	const struct map *env; /* "ENV_X" -> text; may be NULL */
	const struct expansions *parent;
};

/** Add a name, at most 8. A text of NULL is "". */
void expansions_text(struct expansions *e, const char *name, const char *text);
void expansions_number(struct expansions *e, const char *name, long number);

enum {
	EXPAND_MAX = 256 << 10, /* bytes of one expanded value */
	EXPAND_WIDTH_MAX = 4096,
};

/**
 * Expands a value.
 *
 * @label  the name of the option in messages: "program:web.command".
 * @out    the result is appended to it; undefined after a failure.
 * Returns: 0; -ENOENT for an unknown name, -EINVAL if malformed, -E2BIG if too long, -ENOMEM; diag
 *          says why in Supervisor's words.
 */
int expand(const char *raw, const char *label, const struct expansions *with, struct strbuf *out,
	   struct diag *diag);

/**
 * Makes the second expansion that Supervisor makes of some values. Where that is impossible, the
 * text was meant to be expanded once, and stays as it is.
 *
 * Returns: 0; 1 if something was left as it is; -E2BIG, -ENOMEM.
 */
int expand_again(const char *text, const struct expansions *with, struct strbuf *out);
