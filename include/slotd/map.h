#pragma once

/** A hash table from text to pointers (FNV-1a, linear probing). It copies keys and borrows
 * values. */

#include <stddef.h>
#include <stdint.h>

struct map_entry {
	char *key; /* NULL: the entry was never used; a key whose value is NULL was deleted */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *entries;
	size_t room, used, live;
};

/** Frees keys and table; values belong to the caller. Accepts a zeroed map. */
void map_done(struct map *m);
/** Returns the value of key, or NULL. */
void *map_get(const struct map *m, const char *key);
/** Sets the value of key, which must not be NULL. Returns 0 or -ENOMEM. */
int map_set(struct map *m, const char *key, void *value);
/** Removes key. Returns the value it had, or NULL. */
void *map_remove(struct map *m, const char *key);
/** Returns one value after the other, NULL at the end. *pos must be 0 at first. ret_key may be
 * NULL. */
void *map_next(const struct map *m, size_t *pos, const char **ret_key);
