#pragma once

/** Text to pointer, hashed (FNV-1a, linear probing). The map copies keys and borrows values. */

#include <stddef.h>
#include <stdint.h>

struct map_entry {
	char *key; /* NULL: never used; value NULL and key set: deleted */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *entries;
	size_t room, used, live;
};

/** Frees keys and table; values are the caller's. Harmless when zeroed. */
void map_done(struct map *m);
/** NULL when there is none. */
void *map_get(const struct map *m, const char *key);
/** Sets or replaces. value must not be NULL. 0 or -ENOMEM. */
int map_set(struct map *m, const char *key, void *value);
/** Returns the value that was there, or NULL. */
void *map_remove(struct map *m, const char *key);
/** Walks all: start with *pos 0; NULL at the end. ret_key may be NULL. */
void *map_next(const struct map *m, size_t *pos, const char **ret_key);
