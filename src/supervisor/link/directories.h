#pragma once

/** slotd's own directories: state_dir, run_dir, log_dir, or a substitute. */

#include "supervisor.h"

/**
 * Creates state_dir, run_dir and log_dir, or finds a substitute, which directories_report logs.
 * After an upgrade they are those of the slotd before: where it left what goes on. Returns 0 or
 * -errno with a sentence.
 */
int directories_make(struct supervisor *sup, struct diag *diag);
/** Puts the directories of this run into a configuration that was read later. */
void directories_keep(struct supervisor *sup, struct config *config);
/** Those of this run, a line each, for an upgrade. */
void directories_list(const struct supervisor *sup, char *buf, size_t size);
void directories_report(const struct supervisor *sup);
/** Frees the paths, to which no configuration may point any more. */
void directories_done(struct supervisor *sup);
