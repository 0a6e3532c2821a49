#pragma once

/** Pacing of many starts at once, and slotd-spawn, which creates the processes. */

#include "link/helpers.h"
#include "worker/process.h"

/** Like process_start, now or in one of the next turns of the loop, in the order of the calls. */
void process_start_soon(struct process *p);
/** Calls process_start_soon if p has autostart=true and is not in an idle slot. */
void process_autostart(struct process *p);
/** Its timer for the next start has expired: starts p in the same order. */
void process_restart_soon(struct process *p);
/** It has ended: if it may be started again at once, its successor is asked for in this turn. */
void process_restart_at_once(struct process *p);
/** Carries out a start of p that waits; to be called before another command for it. */
void process_start_due(struct process *p);
/** p starts now, or is about to be freed. */
void starts_forget(struct process *p);
/** slotd-spawn is running, has sent MSG_SPAWNED, or has died. */
void starts_refill(struct helper *h);
void starts_answered(struct supervisor *sup, struct message *m);
void starts_lost(struct helper *h);
int starts_init(struct supervisor *sup);
/** To be called before the end of the loop; processes that wait are freed later. */
void starts_stop(struct supervisor *sup);
/** To be called when all processes are freed. */
void starts_done(struct supervisor *sup);
