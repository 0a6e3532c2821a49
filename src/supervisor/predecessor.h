#pragma once

/** What a former slotd left. */

#include "supervisor.h"

/** Locks state_dir; a slotd that has it is named. */
int predecessor_lock(struct supervisor *sup, struct diag *diag);
/** Asks a slotd-keep that outlived its slotd. -EBUSY names the workers that live. */
int predecessor_check(struct supervisor *sup, struct diag *diag);
/** Lets a later slotd ask ours. */
int predecessor_succeed(struct supervisor *sup, struct diag *diag);
/** Makes run_dir again, too. */
void predecessor_look_after(struct supervisor *sup);
/** slotd ends in order: there is nothing to ask for. */
void predecessor_done(struct supervisor *sup);
