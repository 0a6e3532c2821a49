#pragma once

/** What the rooms after this one hear of workers, each by one row that the wiring fills in. */

#include "worker/process.h"

#include <slotd/plan.h>

/** What one of them wants to hear; NULL: nothing of that. */
struct worker_observer {
	/** It is in its group now. 0, or -errno: then it cannot be. */
	int (*added)(struct process *p);
	/** It entered a state: a PLAN_STATE action of its plan. The ledger has that already. */
	void (*state)(struct process *p, const struct plan_action *a);
	/** Something of it that people see is another. */
	void (*changed)(struct process *p);
	/** A step of its machine is over, and all that its plan brought. */
	void (*stepped)(struct process *p);
	/** It has no process any more and is about to be freed. */
	void (*gone)(struct process *p);
	/**
	 * Its stdout for the next run is made, and *child is the end it will get. Whoever wants to
	 * hear it puts another in its place. 0, or -errno with *child as it was.
	 */
	int (*piped)(struct process *p, int *child);
	void (*group_added)(struct group *g);
	/** Its processes are still there. */
	void (*group_gone)(struct group *g);
};

/* Each tells all of sup->worker_observers, in their order. */
int process_added(struct process *p);
void process_entered(struct process *p, const struct plan_action *a);
void process_changed(struct process *p);
void process_stepped(struct process *p);
void process_gone(struct process *p);
int process_piped(struct process *p, int *child);
void group_added(struct group *g);
void group_gone(struct group *g);
