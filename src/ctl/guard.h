#pragma once

/** Confirmation before a command that stops a live slot. */

#include "commands.h"

/**
 * Do the words name workers of a live slot? Then a person is asked, and a script needs --force.
 * "all" names every live slot.
 *
 * Returns: whether to go on. If not, the reason was printed and the exit code set.
 */
bool guard_live(struct ctl *ctl, const struct words *words, const char *verb);

/** Likewise for a command that stops every live slot: shutdown, restart-daemon. */
bool guard_all_live(struct ctl *ctl, const struct words *words, const char *verb);

/** Like guard_live, for words that are names of groups. */
bool guard_live_groups(struct ctl *ctl, const struct words *groups, const char *verb);
