#include "store.h"

#include <slotd/cleanup.h>

#include <string.h>

static struct store_item *item_free(struct store *s, struct store_item *item)
{
	if (item) {
		for (unsigned i = 0; i < item->n; i++) {
			cleanup_closep(&item->fds[i]);
		}
		s->n_fds -= item->n;
		free(item->tags);
		free(item);
	}
	return NULL;
}

void store_done(struct store *s)
{
	struct store_item *item;
	size_t pos = 0;

	while ((item = map_next(&s->items, &pos, NULL))) {
		item_free(s, item);
	}
	map_done(&s->items);
}

int store_put(struct store *s, struct message *m)
{
	const char *name = message_str(m, TAG_NAME);
	struct store_item *old = map_get(&s->items, name), *item = calloc(1, sizeof(*item));
	int r;

	if (!item) {
		return -ENOMEM;
	}
	item->tags = strdup(message_str(m, TAG_DESCRIPTORS));
	r = item->tags ? map_set(&s->items, name, item) : -ENOMEM;
	if (r < 0) {
		return item_free(s, item), r;
	}
	for (; item->n < m->n_fds; item->n++) {
		item->fds[item->n] = message_take_fd(m, item->n);
	}
	s->n_fds += item->n;
	item_free(s, old);
	return 0;
}

void store_drop(struct store *s, const char *name)
{
	item_free(s, map_remove(&s->items, name));
}

const struct store_item *store_next(const struct store *s, size_t *pos, const char **ret_name)
{
	return map_next(&s->items, pos, ret_name);
}
