#pragma once

/** slotd's run, from its start to its end. */

#include "supervisor.h"

/** Makes it, starts everything. Takes config. 0, or -errno with nothing left running. */
int supervisor_start(struct supervisor *sup, const struct supervisor_options *options,
		     struct config *config, struct diag *diag);
/** Until the shutdown is complete; then everything is freed. sup->mood tells how it ended. */
void supervisor_run(struct supervisor *sup);
/** Its parts around the loop, for tests that turn the loop themselves. */
void supervisor_begin(struct supervisor *sup);
void supervisor_end(struct supervisor *sup);
