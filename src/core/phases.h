#pragma once

/**
 * The table of the phases of a deploy. A new phase is a row in phases.c, with the functions that it
 * names.
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
