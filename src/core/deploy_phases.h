#pragma once

/** What a phase may lead to, and do to the deploy: defined in deploy.c. */

#include "phases.h"

/** The phase has succeeded: the next of the list begins. */
step_fn deploy_next;
/** The phase before it, which is about readiness, is done again, and then this one. */
step_fn deploy_repeat;
/** The phase failed before the flip: the live slot was not touched, the target is stopped. */
step_fn deploy_abandon;
/** The new slot fails: the slot that was live before becomes live again, by the shortest way. */
step_fn deploy_turn_back;
/** The new slot fails, and stays live because there is no way back. */
step_fn deploy_stay;
/** The deploy ends here, and everything stays as it is: PLAN_FINISH with this code. */
void deploy_end(struct deploy *d, enum swap_exit code, const char *text, struct plan *plan);
/** It has failed with that code, which is told; a last phase follows before it ends with it. */
void deploy_fail_by(struct deploy *d, enum swap_exit code, const struct deploy_phase *last,
		    const struct deploy_event *ev, usec_t now, struct plan *plan);
/** The drain is no longer watched: PLAN_CLOSE. */
void deploy_close(struct deploy *d, const char *text, struct plan *plan);
/** Makes the list of phases and begins the first. */
step_fn deploy_begin;

/** Appends a phase to the list. */
void deploy_append(struct deploy *d, enum swap_step step, usec_t limit);
/** Sets the timer of the phase that goes on. */
void deploy_set_timer(struct deploy *d, usec_t at, struct plan *plan);

/** Adds an action for a slot, or for the target. */
struct plan_action *deploy_add_for(struct deploy *d, enum slot_id slot, enum plan_kind kind,
				   struct plan *plan);
struct plan_action *deploy_add(struct deploy *d, enum plan_kind kind, struct plan *plan);
