#pragma once

/**
 * environment= : KEY=value,KEY2="value 2", by the rules of Supervisor 4.2.5. These drop a good deal
 * without a word; slotd drops the same, and says so.
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
	VEC(struct keyvalue) pairs; /* keys are unique: a later one has replaced an earlier */
	VEC(const char *) doubts;   /* what was read otherwise than it looks: sentences */
};

void keyvalues_done(struct keyvalues *kv);

/** 0, -EINVAL with diag, or -ENOMEM. */
int keyvalues_parse(const char *text, struct arena *memory, struct keyvalues *ret,
		    struct diag *diag);

/** Sets or replaces. */
int keyvalues_set(struct keyvalues *kv, struct keyvalue pair);

/** "K=V", NULL-terminated. NULL when out of memory. */
char **keyvalues_environment(const struct keyvalues *kv, struct arena *memory);
