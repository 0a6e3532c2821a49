#pragma once

/**
 * What slotd-keep holds: named sets of descriptors. Pure but for close(2).
 */

#include <slotd/map.h>
#include <slotd/message.h>

struct store_item {
	char *tags; /* TAG_DESCRIPTORS as it came */
	unsigned n;
	int fds[MESSAGE_FDS_MAX];
};

struct store {
	struct map items; /* name -> struct store_item */
	size_t n_fds;
};

void store_done(struct store *s);
/** Takes all descriptors of m under its name, replacing what was there. 0 or -ENOMEM. */
int store_put(struct store *s, struct message *m);
void store_drop(struct store *s, const char *name);
/** The next item; start with *pos 0. Borrowed. NULL at the end. */
const struct store_item *store_next(const struct store *s, size_t *pos, const char **ret_name);
