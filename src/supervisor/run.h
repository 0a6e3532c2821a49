#pragma once

/** slotd's run, from its start to its end. */

#include "supervisor.h"

/** Sets sup up and starts everything. Takes config. Returns 0; or -errno, and nothing is left
 * running. */
int supervisor_start(struct supervisor *sup, const struct supervisor_options *options,
		     struct config *config, struct diag *diag);
/** Runs until the shutdown is complete, and frees everything. sup->mood says how it ended. */
void supervisor_run(struct supervisor *sup);
/** What supervisor_run does before and after the loop; for tests that run the loop themselves. */
void supervisor_begin(struct supervisor *sup);
void supervisor_end(struct supervisor *sup);
