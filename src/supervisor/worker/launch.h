#pragma once

/** How a process comes to be: command, environment, pipes, child. */

#include "worker/process.h"

#include <slotd/spawner.h>

/** The environment it starts with. 0 or -ENOMEM. */
int process_environment(const struct process *p, struct env *env);

/** Why there is no process. */
struct launch_failure {
	int fault; /* Supervisor's code for a start by hand */
	char text[sizeof(((struct spawn_report *)0)->path) + 64];
};
/**
 * Splits the command, makes the pipes and asks for the child: p->call.
 *
 * Returns: 0, or -errno with *failure filled and nothing left behind.
 */
int process_launch(struct process *p, spawn_done_fn *done, struct launch_failure *failure);
/** The same for a child that did not come. */
void process_launch_failed(struct process *p, int error, struct launch_failure *failure);
/** The same for a child that did not become its command. */
void process_launch_reported(const struct process *p, const struct spawn_report *report,
			     struct launch_failure *failure);
