#pragma once

/** Starts that wait for the end of another process. */

#include "worker/process.h"

int waits_init(struct supervisor *sup);
void waits_done(struct supervisor *sup);
/** Starts p when there is nothing left to wait for, which may be at the end of this turn. */
void process_start_after(struct process *p, enum process_wait what);
/** Must it not start now, because of an exclusive one that runs? Then it starts when that has
 * ended. False also for one that runs. */
bool process_waits_for_rival(struct process *p);
/** p no longer waits: somebody has started or stopped it, or it is removed. */
void process_wait_no_more(struct process *p);
/** Returns the first process that p waits for; NULL: none. */
const struct process *process_waits_for(const struct process *p);
/** Does any process wait for the end of another? */
bool waits_any(const struct supervisor *sup);
/** p is about to be freed. */
void waits_forget(struct process *p);
/** A process has ended. */
void waits_look_soon(struct supervisor *sup);
