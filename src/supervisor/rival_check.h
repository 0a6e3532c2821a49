#pragma once

/** Another supervisor of the same programs. */

#include "supervisor.h"

/** Is another supervisor running with the same pid file, socket or configuration file? Returns 0;
 * or -EBUSY, and diag names it and what it shares with this slotd. */
int rivals_check(struct supervisor *sup, struct diag *diag);
