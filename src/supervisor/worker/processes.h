#pragma once

/** A worker's process: pidfd, timers, plan of core/worker.c. */

#include "worker/process.h"

/** Makes a process and its ledger entry; does not start it. Keeps config and its origin. */
int process_new(struct supervisor *sup, struct group *group, const struct worker_config *config,
		struct config *origin, struct diag *diag, struct process **ret);
/** It has no process any more. */
struct process *process_free(struct process *p);
/** Feed the core and carry out its plan. */
void process_start(struct process *p);
/** Its timer came, and it is its turn. */
void process_timer_due(struct process *p);
/** Has it become its command by now? The core hears so before anything else of this run. */
void process_look(struct process *p);
void process_stop(struct process *p);
/** The wall clock was set: its times move along, and are shown anew. */
void process_move_times(struct process *p, int64_t by);
/** As process_stop, but it is not killed before patience is over. */
void process_stop_patiently(struct process *p, usec_t patience);
void process_shutdown(struct process *p);
/** From BACKOFF to FATAL at once. */
void process_give_up(struct process *p);
/** Sends a signal to the pid only, as Supervisor's signalProcess. 0, -ESRCH, -errno. */
int process_signal(struct process *p, int signo);
/** Of the service its program is a slot of, NULL: none. */
const char *process_service_name(const struct process *p);
/** After a flip: a live slot's workers keep trying instead of ending FATAL. */
void process_set_live(struct process *p, bool live);
/** Same settings from another configuration (a reload), or new ones for the next start. */
void process_set_config(struct process *p, const struct worker_config *config,
			struct config *origin);
/** Is there no process of it or its group, and none to come? */
bool process_ended(const struct process *p);
/** Is there a process of it, or is one being made? */
bool process_exists(const struct process *p);
/** Its leader is reaped; is the rest of its group by now? */
void process_clear(struct process *p);
