#pragma once

/**
 * The old slot after a flip: it drains, stays warm for a while, and stops (core/retire.c). This is
 * a machine of its own, separate from the deploy (slotd/deploy.h), so that a drain blocks no
 * rollback.
 */

#include <slotd/plan.h>
#include <slotd/switchboard.h>

struct swap_policy;

enum retire_state {
	RETIRE_NONE, /* the slot is live or cold */
	RETIRE_DRAINING,
	RETIRE_CUTTING, /* drain_timeout is over: the rest is being closed, over drain_spread */
	RETIRE_WARM,	/* it has no connections, and is kept for idle_keep */
	RETIRE_STOPPING,
	RETIRE_STATE_MAX_,
	RETIRE_STATE_INVALID_ = -22,
};

enum retire_event_kind {
	RETIRE_EV_BEGIN,   /* this slot has just ceased to be live */
	RETIRE_EV_DISCARD, /* like BEGIN, but the slot has failed: it is not kept warm */
	RETIRE_EV_DRAINED, /* no relay has connections that the drain waits for */
	RETIRE_EV_CUT,	   /* no relay has any connections of the slot */
	RETIRE_EV_NOW,	   /* drain --now */
	RETIRE_EV_RECALL,  /* the slot becomes live again, and its workers are kept */
	RETIRE_EV_STOPPED, /* all its workers have ended */
	RETIRE_EV_TIMER,
	RETIRE_EV_MAX_,
	RETIRE_EV_INVALID_ = -22,
};

struct retire_event {
	enum retire_event_kind kind;
};

/** Plain data that lies in the ledger as it is, so fields are only ever appended. */
struct retire {
	uint32_t service;
	enum slot_id slot;
	enum retire_state state;
	usec_t since, deadline;
	bool discard; /* it is stopped as soon as it has drained */
};

/** Returns how long a drained slot stays warm, at least as long as the bake of the other one. 0: it
 * stops at once. */
usec_t retire_keep(const struct swap_policy *policy);

/** Sets the state of a slot that is live or cold. */
void retire_init(struct retire *r, uint32_t service, enum slot_id slot);
/**
 * Takes a step, and appends actions to plan. Its PLAN_TIMER actions have the slot; those of a
 * deploy have slot -1. PLAN_CUT has arg 1 to close all connections at once; PLAN_SLOT_STOP has arg
 * 1 if the workers may take as long as the drain.
 */
void retire_step(struct retire *r, const struct swap_policy *policy, const struct retire_event *ev,
		 usec_t now, struct plan *plan);
/**
 * After a restart of slotd alone: whatever it waits for is begun again, for nobody knows how far
 * that had come. Each of these acts may be done twice.
 */
void retire_resume(struct retire *r, const struct swap_policy *policy, usec_t now,
		   struct plan *plan);
/** Returns "draining", "warm", ...; "?" for a number that is no state. */
const char *retire_state_name(enum retire_state s);
