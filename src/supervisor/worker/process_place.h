#pragma once

/** The name of a process, its configuration, and its place: the number of its row in the ledger. */

#include "worker/process.h"

/** "GROUP:NAME", or one name where both are the same. To be freed; NULL without memory. */
char *process_make_name(const char *group, const struct worker_config *config);
/** Takes a row, and the place in sup->processes with its number. Returns 0, or -errno and diag. */
int process_take_place(struct process *p, struct diag *diag);
/** Sets the configuration after a reload: equal settings at once, new ones for the next start. */
void process_set_config(struct process *p, const struct worker_config *config,
			struct config *origin);
