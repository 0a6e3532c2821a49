#pragma once

/** What slotd-keep holds for slotd. */

#include "supervisor.h"

#include <slotd/keep.h>

struct helper_ops;
extern const struct helper_ops keep_helper_ops;

int keep_init(struct supervisor *sup);
/** After it every keep_drop is refused: what dropped something has ended before. */
void keep_done(struct supervisor *sup);

/** A descriptor for slotd-keep and what it is. */
struct kept_fd {
	int fd; /* -EBADF: there is none, which is left out */
	char tag[KEEP_TAG_MAX];
};
/**
 * slotd-keep: a named duplicate of what slotd cannot make again (names and tags: slotd/keep.h).
 * The descriptors stay the caller's and open until keep_drop or the next keep_put of that name: a
 * new slotd-keep is filled from them. With nothing in it the entry is dropped.
 */
void keep_put(struct supervisor *sup, const char *name, const struct kept_fd *fds, unsigned n);
/** The only descriptor of an entry: what its name says. */
void keep_put_one(struct supervisor *sup, const char *name, int fd);
void keep_drop(struct supervisor *sup, const char *name);
