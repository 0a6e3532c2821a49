#pragma once

/** What slotd-keep holds for slotd. */

#include "supervisor.h"

#include <slotd/keep.h>

struct helper_ops;
extern const struct helper_ops keep_helper_ops;

int keep_init(struct supervisor *sup);
/** After this, keep_drop does nothing. */
void keep_done(struct supervisor *sup);

/** A descriptor for slotd-keep and what it is. */
struct kept_fd {
	int fd; /* -EBADF: none; it is left out */
	char tag[KEEP_TAG_MAX];
};
/**
 * Gives slotd-keep duplicates, under a name, of descriptors that slotd cannot make again (names and
 * tags: slotd/keep.h). The caller keeps them open until keep_drop or the next keep_put of that
 * name: a new slotd-keep is filled from them. If all are absent, the entry is dropped.
 */
void keep_put(struct supervisor *sup, const char *name, const struct kept_fd *fds, unsigned n);
/**
 * Like keep_put, for an entry that lost a descriptor and got none. slotd-keep is told 250 ms later,
 * because the rest of the entry often goes in that time; until then it holds its old duplicates.
 */
void keep_put_late(struct supervisor *sup, const char *name, const struct kept_fd *fds, unsigned n);
/** Like keep_put, for an entry with one descriptor, which is what its name says. */
void keep_put_one(struct supervisor *sup, const char *name, int fd);
void keep_drop(struct supervisor *sup, const char *name);
/** Another slotd-keep takes the place of the one that runs, once it has all that this one holds. */
void keep_renew(struct supervisor *sup);
/** Drops what a former slotd had put there and this one, which has taken all over, has no use for.
 */
void keep_drop_unwanted(struct supervisor *sup);
