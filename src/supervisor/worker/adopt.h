#pragma once

/**
 * Workers of a slotd that was killed. They have run on; each goes on here as that one's ledger
 * says, in two steps: adopted before anything else runs, resumed once helpers are there.
 */

#include "supervisor.h"

/**
 * All that are configured take back state, pidfd and pipes; those that are not any more become
 * processes that are to end. After all groups are made. 0 or -errno: nothing was changed.
 */
int workers_adopt(struct supervisor *sup, struct diag *diag);
/** What was going on goes on: starts, ends, timers. */
void workers_resume(struct supervisor *sup);
