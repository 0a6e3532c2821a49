#pragma once

/** Groups and their processes. */

#include "worker/process.h"

/** Makes a group and its processes from a configuration, and starts nothing. */
int group_add(struct supervisor *sup, const struct group_config *config, struct config *origin,
	      struct diag *diag, struct group **ret);
/** Adds a process to a group after a reload; or removes a process that has ended. */
int group_add_process(struct group *g, const struct worker_config *config, struct config *origin,
		      struct diag *diag, struct process **ret);
void group_remove_process(struct process *p);
/** Frees a group whose processes have all ended. */
void group_remove(struct group *g);
/** Sorts the groups after priorities have changed. */
void groups_sort(struct supervisor *sup);
bool group_ended(const struct group *g);
/** Starts the processes that have autostart=true and are not in an idle slot. */
void group_autostart(struct group *g);
