#pragma once

/**
 * What core/deploy.c and its table of phases (phases.c) share. A new phase is a row there, with
 * the functions that it names.
 */

#include <slotd/deploy.h>

typedef bool need_fn(const struct deploy *d, const struct deploy_event *begin);
/** Appends the actions to plan. */
typedef void act_fn(struct deploy *d, const struct deploy_event *ev, struct plan *plan);
typedef void step_fn(struct deploy *d, const struct deploy_event *ev, usec_t now,
		     struct plan *plan);

/** Appends the phase to the list, as often as it is needed. */
typedef void list_fn(struct deploy *d, const struct deploy_event *begin);

struct phase {
	enum swap_step step;
	enum hook hook; /* whose commands it runs, if it enters by run */
	need_fn *needed;
	usec_t (*limit)(const struct swap_policy *policy); /* NULL: none */
	list_fn *list;					   /* NULL: once, with that limit */
	bool same_limit; /* it has the time that the phase before it has left */
	bool flips;	 /* from here on it is about the flip */
	bool rolls;	 /* of a rolling restart, which has no other */
	bool shown;	 /* people see it, with a number */
	bool uses_slot;	 /* nobody else should start or stop the target's workers */
	bool verified;	 /* verify is repeated while it lasts; it then has FAILING */
	act_fn *enter;
	act_fn *leave; /* when it ends, in any way */
	act_fn *leave_well;
	act_fn *undo;		     /* when it is given up */
	step_fn *on[DEPLOY_EV_MAX_]; /* an empty cell is ignored */
};

/** Returns the i-th phase, NULL after the last. */
const struct phase *phase_at(size_t i);
/** Never NULL. */
const struct phase *phase_of(enum swap_step step);

/* ---- deploy.c: what a phase may lead to ---- */

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

/* ---- canary.c ---- */

need_fn canary_is_needed, share_is_needed;
list_fn canary_list;
act_fn canary_enter, share_enter;
step_fn canary_over, canary_crashed, canary_promoted, canary_changed;

/* ---- roll_phases.c ---- */

act_fn roll_enter, settle_enter;
step_fn roll_given_up, settle_over, settle_aborted;
