#pragma once

/** One slotd after the other: the lock of state_dir, and the socket at which the next one asks. */

#include "supervisor.h"

/** Locks state_dir; a slotd that has it is named. */
int predecessor_lock(struct supervisor *sup, struct diag *diag);
/** The descriptor that has the lock; borrowed. */
int predecessor_lock_fd(const struct supervisor *sup);
/** Lets a later slotd ask ours: from here on it would take over from us. */
int predecessor_succeed(struct supervisor *sup, struct diag *diag);
/** Makes run_dir again, too. */
void predecessor_look_after(struct supervisor *sup);
/** slotd ends in order: there is nothing to ask for. */
void predecessor_done(struct supervisor *sup);
