#pragma once

/**
 * What a slotd that was killed left at its slotd-keep, until somebody takes it: its ledger,
 * descriptors by name (slotd/keep.h), and slotd-keep itself, which goes on with the channel on
 * which it was asked. Every part takes back what is its own; what nobody wants is closed and
 * dropped.
 */

#include "supervisor.h"

struct inherited {
	char *tags; /* what the descriptors are, as slotd-keep tells */
	unsigned n;
	int fds[16]; /* -EBADF: taken */
};

/**
 * Asks slotd-keep in run_dir. 0, also where nothing was left; or -errno with a sentence: it does
 * not answer, or the ledger cannot be read, and whatever was left lives on.
 */
int inheritance_ask(struct supervisor *sup, struct diag *diag);
/** Is there something to take over? */
bool inheritance_there(const struct supervisor *sup);
/** Closes what is left of it. slotd-keep is told by helpers.c. */
void inheritance_done(struct supervisor *sup);

/** The former slotd's ledger, read-only; NULL: nothing was left. */
const struct ledger_view *inherited_ledger(const struct supervisor *sup);
/** The row that had that name, or -ENOENT. */
int inherited_row(const struct supervisor *sup, enum ledger_table table, const char *name);
/** As the former slotd wrote of itself; zeroes: nothing was left. */
struct ledger_daemon inherited_daemon(const struct supervisor *sup);

/** Borrowed; NULL: nothing of that name was left. */
struct inherited *inherited_item(const struct supervisor *sup, const char *name);
/** The next one; start with *pos 0. NULL at the end. */
struct inherited *inherited_next(const struct supervisor *sup, size_t *pos, const char **ret_name);
/** The descriptor with that tag, the caller's from now on; -EBADF. Accepts NULL. */
int inherited_take(struct inherited *item, const char *tag);
/** The only descriptor of an entry (KEEP_TAG_SELF). */
int inherited_take_one(const struct supervisor *sup, const char *name);
/**
 * Kills the process group whose pidfd has that tag, as nobody knows any more what it is for.
 * Returns its pid; 0: there is none, or it has ended. Accepts NULL.
 */
pid_t inherited_kill(struct inherited *item, const char *tag);
/** The channel to slotd-keep, the caller's from now on; -EBADF. */
int inherited_take_keep(struct supervisor *sup);
