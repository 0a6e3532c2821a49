#pragma once

/** slotd's own directories: state_dir, run_dir, log_dir, or a substitute. */

#include "supervisor.h"

/** Makes state_dir, run_dir and log_dir, or finds a substitute, which directories_report logs. */
int directories_make(struct supervisor *sup, struct diag *diag);
/** Those of this run, whatever a configuration that was read later says. */
void directories_keep(struct supervisor *sup, struct config *config);
void directories_report(const struct supervisor *sup);
/** No configuration points to them any more. */
void directories_done(struct supervisor *sup);
