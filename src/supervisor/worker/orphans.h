#pragma once

/** Children that are no worker's leader: the rest of a group, and what was reparented to slotd. */

#include "supervisor.h"

int orphans_init(struct supervisor *sup);
void orphans_done(struct supervisor *sup);
/** Reaps those that have ended; from SIGCHLD. */
void orphans_reap(struct supervisor *sup);
/** slotd-spawn has answered: one that ended may be known now, or may be none of its. */
void orphans_look_again(struct supervisor *sup);
