#pragma once

/** Groups and their processes. */

#include "worker/process.h"

/** Makes a group and its processes from a configuration; starts nothing. */
int group_add(struct supervisor *sup, const struct group_config *config, struct config *origin,
	      struct diag *diag, struct group **ret);
/** One more process of a group (a reload); or one less, that has ended. */
int group_add_process(struct group *g, const struct worker_config *config, struct config *origin,
		      struct diag *diag, struct process **ret);
void group_remove_process(struct process *p);
/** Frees a group whose processes have all ended. */
void group_remove(struct group *g);
/** After priorities changed. */
void groups_sort(struct supervisor *sup);
bool group_ended(const struct group *g);
/** Starts those that have autostart=true, where no idle slot holds them back. */
void group_autostart(struct group *g);
