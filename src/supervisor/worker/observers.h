#pragma once

/** How later rooms are told of workers: each has a row of functions, which the wiring fills in. */

#include "worker/process.h"

#include <slotd/plan.h>

/** The functions of a room; each may be NULL. */
struct worker_observer {
	/** The process was added to its group. Returns 0; or -errno, and it is not added. */
	int (*added)(struct process *p);
	/** It has entered a state; a is a PLAN_STATE action. The ledger is written already. */
	void (*state)(struct process *p, const struct plan_action *a);
	/** Something that people see of it has changed. */
	void (*changed)(struct process *p);
	/** Some of its output could not be written, and is lost: errno. */
	void (*output_lost)(struct process *p, int error);
	/** A step of its machine is over, and its plan was carried out. */
	void (*stepped)(struct process *p);
	/** It has no process any more and is about to be freed. */
	void (*gone)(struct process *p);
	/** It, or another process of its group, has sent that to its NOTIFY_SOCKET. */
	void (*said)(struct process *p, const struct sd_message *n);
	/**
	 * The pipe for its stdout was made, and *child is the end that it will get. An observer
	 * that wants to read its output replaces that. Returns 0; or -errno, and *child is
	 * unchanged.
	 */
	int (*piped)(struct process *p, int *child);
	void (*group_added)(struct group *g);
	/** The group is removed; its processes still exist. */
	void (*group_gone)(struct group *g);
};

/* Each of these calls all sup->worker_observers, in their order. */
int process_added(struct process *p);
void process_entered(struct process *p, const struct plan_action *a);
void process_changed(struct process *p);
void process_output_lost(struct process *p, int error);
void process_stepped(struct process *p);
void process_gone(struct process *p);
void process_said(struct process *p, const struct sd_message *n);
int process_piped(struct process *p, int *child);
void group_added(struct group *g);
void group_gone(struct group *g);
