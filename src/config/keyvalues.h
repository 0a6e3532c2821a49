#pragma once

/**
 * Reads environment=, as in KEY=value,KEY2="value 2", by the rules of Supervisor 4.2.5. By these
 * rules much is silently dropped; slotd drops the same, and warns.
 */

#include <slotd/diag.h>
#include <slotd/vec.h>

#include "arena.h"

enum {
	KEYVALUES_MAX = 4096,
};

struct keyvalue {
	const char *key, *value;
};

struct keyvalues {
	VEC(struct keyvalue) pairs; /* keys are unique: a later value replaces an earlier one */
	VEC(const char *) doubts;   /* sentences about what is not read as it looks */
};

void keyvalues_done(struct keyvalues *kv);

/** Reads text. Returns 0, -EINVAL with diag, or -ENOMEM. */
int keyvalues_parse(const char *text, struct arena *memory, struct keyvalues *ret,
		    struct diag *diag);

/** Adds a pair, or replaces that with the same key. */
int keyvalues_set(struct keyvalues *kv, struct keyvalue pair);

/** Returns a NULL-terminated list of "K=V"; NULL if there is no memory. */
char **keyvalues_environment(const struct keyvalues *kv, struct arena *memory);
