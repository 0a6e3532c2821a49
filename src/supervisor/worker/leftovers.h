#pragma once

/** Workers of a slotd that was killed that are in the configuration no more. */

#include "worker/process.h"

/**
 * A process for one, in a group that goes with it; it is to be forgotten once it has ended, and
 * keeps the policy under which it ran, by the former slotd's row. 0 or -errno.
 */
int leftover_new(struct supervisor *sup, const char *namespec, const struct ledger_worker *row,
		 struct diag *diag, struct process **ret);
/** After all groups are gone. */
void leftovers_done(struct supervisor *sup);
