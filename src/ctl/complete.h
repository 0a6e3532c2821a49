#pragma once

/** What the Tab key offers. Pure. */

#include "value.h"

#include <slotd/vec.h>
#include <stddef.h>

struct completions {
	VEC(char *) words;
	size_t start; /* the position in the line where the word to complete begins */
};

void completions_done(struct completions *c);

/** Returns workers and services, as slotd.status sends them; called only if a name is needed. */
typedef const struct value *complete_status_fn(void *data);

/**
 * Finds what may follow at the end of the line: commands, then names of the kind that the command
 * takes. Names are offered as by supervisorctl: "group:name" and "group:*", or just "name".
 *
 * Returns: 0 or -ENOMEM.
 */
int completions_find(const char *line, size_t len, complete_status_fn *status, void *data,
		     struct completions *ret);

/** Returns how many characters at the beginning are common to all words. */
size_t completions_common(const struct completions *c);
