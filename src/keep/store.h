#pragma once

/**
 * What slotd-keep holds: named sets of descriptors. Pure but for close(2).
 */

#include <slotd/map.h>
#include <slotd/message.h>

struct store_item {
	char *tags; /* TAG_DESCRIPTORS of the message */
	unsigned n;
	int fds[MESSAGE_FDS_MAX];
};

struct store {
	struct map items; /* name -> struct store_item */
	size_t n_fds;
};

void store_done(struct store *s);
/** Takes all descriptors of m under its name, in the place of an earlier set. Returns 0 or -ENOMEM.
 */
int store_put(struct store *s, struct message *m);
void store_drop(struct store *s, const char *name);
/** Returns the next item, which is borrowed; NULL at the end. *pos must be 0 at first. */
const struct store_item *store_next(const struct store *s, size_t *pos, const char **ret_name);
