#pragma once

/**
 * A control group for each worker, where systemd has given slotd some of its own (Delegate=yes):
 * what a worker has started is found there whatever it did to be on its own, and ends with it where
 * killasgroup asks for that. Without such a group all of this does nothing.
 *
 * A group exists from the start of a worker to the end of the last process in it, and has its name,
 * so the next slotd finds it as it was.
 */

#include "worker/process.h"

struct plan_action;

int cgroups_init(struct supervisor *sup);
void cgroups_done(struct supervisor *sup);
/** Removes what a former slotd has left; to be called when workers are taken over. */
void cgroups_sweep(struct supervisor *sup);

/** Makes the group for a process that is about to start. Returns a descriptor of it; -EBADF: it
 * has none. */
int cgroups_make(struct process *p);

/** Kills whatever is in the process's group. */
void cgroups_kill(struct process *p);
/** Of a service's worker that has ended: the same, if killasgroup says so. */
void cgroups_kill_rest(struct process *p);
/** Has that ended? If not, process_clear is called in a moment. */
bool cgroups_rest_ended(struct process *p);

/** An observer's: removes the group of one that has ended, or has it removed later. */
void cgroups_process_entered(struct process *p, const struct plan_action *a);
