#pragma once

/** Many starts at once, and slotd-spawn, which makes them. */

#include "link/helpers.h"
#include "worker/process.h"

/** As process_start, now or in one of the next turns of the loop; in the order of the calls. */
void process_start_soon(struct process *p);
/** Starts it so where it has autostart=true and no idle slot holds it back. */
void process_autostart(struct process *p);
/** Its timer for the next start came: the same, in the same order. */
void process_restart_soon(struct process *p);
/** Before another command for it: a start that was asked for and waits is done first. */
void process_start_due(struct process *p);
/** It starts now, or is about to be freed. */
void starts_forget(struct process *p);
/** Of slotd-spawn: it is there, MSG_SPAWNED came, it has died. */
void starts_refill(struct helper *h);
void starts_answered(struct supervisor *sup, struct message *m);
void starts_lost(struct helper *h);
int starts_init(struct supervisor *sup);
/** Before the end of the loop; those that wait are freed later. */
void starts_stop(struct supervisor *sup);
/** All of them are freed. */
void starts_done(struct supervisor *sup);
