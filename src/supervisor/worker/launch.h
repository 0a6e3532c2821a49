#pragma once

/** How a process comes to be: command, environment, pipes, child. */

#include "worker/process.h"

/** The environment it starts with. 0 or -ENOMEM. */
int process_environment(const struct process *p, struct env *env);

/** Why there is no process. */
struct launch_failure {
	int fault; /* Supervisor's code for a start by hand */
	char text[512];
};
/**
 * Splits the command, makes the pipes and the child.
 *
 * Returns: 0, or -errno with *failure filled and nothing left behind.
 */
int process_launch(struct process *p, struct spawned *ret, struct launch_failure *failure);
