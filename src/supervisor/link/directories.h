#pragma once

/** slotd's own directories: state_dir, run_dir, log_dir, or a substitute. */

#include "supervisor.h"

/** Creates state_dir, run_dir and log_dir, or finds a substitute, which directories_report logs. */
int directories_make(struct supervisor *sup, struct diag *diag);
/** Puts the directories of this run into a configuration that was read later. */
void directories_keep(struct supervisor *sup, struct config *config);
/** Names those of another configuration that are others than those that slotd began with. */
void directories_changes(const struct supervisor *sup, const struct config *next,
			 config_option_fn *say, void *arg);
void directories_report(const struct supervisor *sup);
/** Frees the paths, to which no configuration may point any more. */
void directories_done(struct supervisor *sup);
