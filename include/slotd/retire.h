#pragma once

/**
 * The old slot after a flip: it drains, stays warm for a while, and stops (core/retire.c). A
 * machine of its own, beside the deploy (slotd/deploy.h), so that a drain blocks no rollback.
 */

#include <slotd/plan.h>
#include <slotd/switchboard.h>

struct swap_policy;

enum retire_state {
	RETIRE_NONE, /* slot is live or cold */
	RETIRE_DRAINING,
	RETIRE_CUTTING, /* drain_timeout is over: the rest is being ended, over drain_spread */
	RETIRE_WARM,	/* empty, kept for idle_keep */
	RETIRE_STOPPING,
	RETIRE_STATE_MAX_,
	RETIRE_STATE_INVALID_ = -22,
};

enum retire_event_kind {
	RETIRE_EV_BEGIN,   /* this slot has just ceased to be live */
	RETIRE_EV_DISCARD, /* as BEGIN, but it failed: it is not kept warm */
	RETIRE_EV_DRAINED, /* every relay: none queued, silent or in flight */
	RETIRE_EV_CUT,	   /* every relay: nothing is open */
	RETIRE_EV_NOW,	   /* drain --now */
	RETIRE_EV_RECALL,  /* it becomes live again: stop retiring, keep the workers */
	RETIRE_EV_STOPPED, /* all its workers have ended */
	RETIRE_EV_TIMER,
	RETIRE_EV_MAX_,
	RETIRE_EV_INVALID_ = -22,
};

struct retire_event {
	enum retire_event_kind kind;
};

/** Plain data: it lies in the ledger as it is, so fields are only ever appended. */
struct retire {
	uint32_t service;
	enum slot_id slot;
	enum retire_state state;
	usec_t since, deadline;
	bool discard; /* it is stopped once it has drained */
};

/** How long a drained slot stays warm: while the other one is baked, too. 0: it stops. */
usec_t retire_keep(const struct swap_policy *policy);

/** Its slot is live or cold. */
void retire_init(struct retire *r, uint32_t service, enum slot_id slot);
/**
 * PLAN_TIMER actions of retire carry its slot; those of swap carry slot -1. PLAN_CUT: arg 1, at
 * once. PLAN_SLOT_STOP: arg 1, the workers have as long as the drain.
 */
void retire_step(struct retire *r, const struct swap_policy *policy, const struct retire_event *ev,
		 usec_t now, struct plan *plan);
/** "draining", "warm", ...; "?" for a number that has none. */
const char *retire_state_name(enum retire_state s);
