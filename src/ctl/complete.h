#pragma once

/** What Tab offers: pure. */

#include "value.h"

#include <slotd/vec.h>
#include <stddef.h>

struct completions {
	VEC(char *) words;
	size_t start; /* where in the line the word to complete begins */
};

void completions_done(struct completions *c);

/** Workers and services, as slotd.status sends them; asked only when a name is wanted. */
typedef const struct value *complete_status_fn(void *data);

/**
 * What may stand at the end of the line: commands, then names of the kind that the command takes.
 * A name is offered as supervisorctl does: "group:name" and "group:*", or just "name".
 *
 * Returns: 0 or -ENOMEM.
 */
int completions_find(const char *line, size_t len, complete_status_fn *status, void *data,
		     struct completions *ret);

/** How many characters all words share. */
size_t completions_common(const struct completions *c);
