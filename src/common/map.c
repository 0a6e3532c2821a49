#include <slotd/map.h>

#include <slotd/digest.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_text(const char *key)
{
	return digest_add(DIGEST_EMPTY, key, strlen(key));
}

void map_done(struct map *m)
{
	for (size_t i = 0; i < m->room; i++) {
		free(m->entries[i].key);
	}
	free(m->entries);
	*m = (struct map){0};
}

/* The key's entry, or the place where it would go; the table is never full. */
static struct map_entry *find(const struct map *m, const char *key, uint64_t hash)
{
	size_t i = hash & (m->room - 1);

	while (m->entries[i].key &&
	       (m->entries[i].hash != hash || strcmp(m->entries[i].key, key) != 0)) {
		i = (i + 1) & (m->room - 1);
	}
	return &m->entries[i];
}

void *map_get(const struct map *m, const char *key)
{
	return m->room ? find(m, key, hash_text(key))->value : NULL;
}

static int grow(struct map *m)
{
	size_t room = 16;
	struct map bigger;

	while (room < m->live * 4) {
		room *= 2;
	}
	bigger = (struct map){.room = room, .entries = calloc(room, sizeof(*bigger.entries))};
	if (!bigger.entries) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < m->room; i++) {
		struct map_entry *e = &m->entries[i];

		if (e->key && e->value) {
			*find(&bigger, e->key, e->hash) = *e;
			bigger.used++;
			bigger.live++;
		} else {
			free(e->key);
		}
	}
	free(m->entries);
	*m = bigger;
	return 0;
}

int map_set(struct map *m, const char *key, void *value)
{
	uint64_t hash = hash_text(key);
	struct map_entry *e;

	if ((m->used + 1) * 4 > m->room * 3) {
		int r = grow(m);

		if (r < 0) {
			return r;
		}
	}
	e = find(m, key, hash);
	if (!e->key) {
		char *copy = strdup(key);

		if (!copy) {
			return -ENOMEM;
		}
		*e = (struct map_entry){.key = copy, .hash = hash};
		m->used++;
	}
	m->live += e->value ? 0 : 1;
	e->value = value;
	return 0;
}

void *map_remove(struct map *m, const char *key)
{
	struct map_entry *e = m->room ? find(m, key, hash_text(key)) : NULL;
	void *value = e ? e->value : NULL;

	if (value) {
		e->value = NULL; /* the key stays as a tombstone until the next grow */
		m->live--;
	}
	return value;
}

void *map_next(const struct map *m, size_t *pos, const char **ret_key)
{
	while (*pos < m->room) {
		struct map_entry *e = &m->entries[(*pos)++];

		if (e->key && e->value) {
			if (ret_key) {
				*ret_key = e->key;
			}
			return e->value;
		}
	}
	return NULL;
}
