#pragma once

/**
 * Programs that run at times (schedule=). One timer waits for the earliest of them all.
 *
 * Of each worker it is known up to which time its runs were begun or left out
 * (process.counted): in the ledger for a slotd that takes over, in the state file for one that
 * starts. What lies between that and now was missed, which is said and not made up.
 */

#include "worker/process.h"

#include <slotd/plan.h>

struct service;

int schedules_init(struct supervisor *sup);
void schedules_done(struct supervisor *sup);
/** slotd has started, or taken over: says what was missed meanwhile, and runs what is @reboot. */
void schedules_begin(struct supervisor *sup);
/** Has that been done? Until then process.counted may not be what the state file says. */
bool schedules_known(const struct supervisor *sup);
/** Something has changed that may change times: at the end of this turn they are looked at again.
 */
void schedules_look_soon(struct supervisor *sup);
/** The wall clock was set, or the machine has slept. */
void schedules_clock_set(struct supervisor *sup);

/* For the wiring. */
int schedules_process_added(struct process *p);
void schedules_process_entered(struct process *p, const struct plan_action *a);
void schedules_service_lives(struct service *s);
