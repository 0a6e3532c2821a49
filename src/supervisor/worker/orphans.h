#pragma once

/** Children that are not the leader of a worker: the rest of a group, and orphans. */

#include "supervisor.h"

int orphans_init(struct supervisor *sup);
void orphans_done(struct supervisor *sup);
/** Reaps those that have ended; to be called after SIGCHLD. */
void orphans_reap(struct supervisor *sup);
/** slotd-spawn has answered: whether a child that ended is a worker may be known now. */
void orphans_look_again(struct supervisor *sup);
