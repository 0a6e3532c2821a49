#pragma once

/** The process of a worker: its pidfd and timers, and the plans of core/worker.c. */

#include "worker/process.h"
#include "worker/process_facts.h"

/** Makes a struct process and its row in the ledger, and starts nothing. Keeps config and origin.
 */
int process_new(struct supervisor *sup, struct group *group, const struct worker_config *config,
		struct config *origin, struct diag *diag, struct process **ret);
/** Frees p, which must not have a process any more. Returns NULL. */
struct process *process_free(struct process *p);
/** Feeds an event to the core and carries out the plan. An exclusive one waits for its rivals. */
void process_start(struct process *p);
/** Its timer has expired, and it is its turn to start. */
void process_timer_due(struct process *p);
/** Has the child executed its command by now? The core must know that before any other event. */
void process_look(struct process *p);
void process_stop(struct process *p);
/** It does not answer any more: it is aborted, and started again as after a crash. */
void process_hung(struct process *p);
/** Like process_stop, but p is not killed before patience is over. */
void process_stop_patiently(struct process *p, usec_t patience);
void process_shutdown(struct process *p);
/** Goes from BACKOFF to FATAL at once. */
void process_give_up(struct process *p);
/** Sends a signal to the pid only, like Supervisor's signalProcess. Returns 0, -ESRCH or another
 * -errno. */
int process_signal(struct process *p, int signo);
/** After a flip: says whether its slot is live, whose workers keep trying instead of being FATAL.
 */
void process_set_live(struct process *p, bool live);
/** Its pidfd tells when it ends. */
void process_watch(struct process *p);
/**
 * One that a former slotd left, as its row says: what it was about to be told is told, and what was
 * about to be done is done.
 */
void process_resume(struct process *p);
/** Its leader was reaped: has the rest of its process group ended by now? */
void process_clear(struct process *p);
