#pragma once

/** What stands between a person and an outage of his own making. */

#include "commands.h"

/**
 * Do the words name workers of a live slot? Then a person is asked, and a script needs --force.
 * "all" names every live slot.
 *
 * Returns: may go on. When not, the reason was said and the exit code set.
 */
bool guard_live(struct ctl *ctl, const struct words *words, const char *verb);

/** The same for something that ends every live slot: shutdown, restart-daemon. */
bool guard_all_live(struct ctl *ctl, const struct words *words, const char *verb);

/** As guard_live, but the words are groups. */
bool guard_live_groups(struct ctl *ctl, const struct words *groups, const char *verb);
