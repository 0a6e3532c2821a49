#pragma once

/** How a process is made: command, environment, pipes, child. */

#include "worker/process.h"

#include <slotd/spawner.h>

/** Makes the environment of a process. Returns 0 or -ENOMEM. */
int process_environment(const struct process *p, struct env *env);

/** Why there is no process. */
struct launch_failure {
	int fault; /* Supervisor's code, for a start by hand */
	char text[sizeof(((struct spawn_report *)0)->path) + 64];
};
/**
 * Splits the command, makes the pipes and requests the child, in p->call.
 *
 * Returns: 0; or -errno and *failure, with nothing left behind.
 */
int process_launch(struct process *p, spawn_done_fn *done, struct launch_failure *failure);
/** Fills *failure for a child that was not created. */
void process_launch_failed(struct process *p, int error, struct launch_failure *failure);
/** Fills *failure for a child that did not execute its command. */
void process_launch_reported(const struct process *p, const struct spawn_report *report,
			     struct launch_failure *failure);
