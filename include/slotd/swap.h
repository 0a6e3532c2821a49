#pragma once

/**
 * A swap is prepare, flip, then retire: a pure state machine per service (core/swap.c).
 *
 *	(WAIT -> PRECHECK -> PREPARE ->) START -> GATE -> CHECK_RECORD -> FLIP -> BAKE -> done
 *
 * live and target are kept apart. Nothing that works is touched before its successor has passed
 * the gate and the flip is known to be done; any earlier failure only stops the idle slot. What
 * follows a flip for the old slot (drain, warm, stop) is a second, independent machine
 * (struct retire), so that a drain blocks no rollback.
 */

#include <slotd/plan.h>
#include <slotd/swap_names.h>
#include <slotd/switchboard.h>

enum swap_event_kind {
	SWAP_EV_BEGIN,	      /* kind; already warm? */
	SWAP_EV_PREPARED,     /* code: exit status of prepare, 0 good; text */
	SWAP_EV_STARTED,      /* all needed workers of the target run */
	SWAP_EV_START_FAILED, /* text */
	SWAP_EV_READY,	      /* gate passed: text "5/5 healthy" */
	SWAP_EV_NOT_READY,    /* gate failed for good: text */
	SWAP_EV_RECORD_OK,
	SWAP_EV_RECORD_FAILED,
	SWAP_EV_FLIPPED, /* every relay acknowledged */
	SWAP_EV_FLIP_FAILED,
	SWAP_EV_RECORDED, /* code 0, or why the record failed after the flip: text */
	SWAP_EV_ABORT,	  /* asked to stop: text says by whom */
	SWAP_EV_TIMER,	  /* text: what START or GATE still waits for */
	SWAP_EV_VACANT,	  /* WAIT: the target has drained */
	SWAP_EV_MAX_,
	SWAP_EV_INVALID_ = -22,
};

struct swap_event {
	enum swap_event_kind kind;
	enum swap_kind what; /* BEGIN */
	bool warm;	     /* BEGIN: the target's workers run and are healthy: just flip */
	bool draining;	     /* BEGIN: the target still has connections */
	bool touched;	     /* BEGIN: a deploy has begun in the target and none has succeeded */
	int code;
	const char *text;
};

struct swap_policy {
	bool has_prepare;
	usec_t prepare_timeout; /* USEC_NEVER: none */
	usec_t ready_timeout;
	usec_t bake;
	usec_t drain_timeout, drain_spread;
	bool drain_by_worker; /* the old workers are told to stop at once */
	usec_t idle_keep;
};

struct swap {
	uint32_t service;		  /* index; object of the plan's actions */
	const struct swap_policy *policy; /* kept */
	enum swap_step step;
	enum swap_kind kind;
	enum slot_id live;   /* who is live now, by the switchboard */
	enum slot_id target; /* who shall be */
	bool warm;
	bool afresh; /* what runs in the target ends before it starts */
	usec_t step_began;
	usec_t deadline; /* of the timer that is armed; USEC_NEVER */
};

/** Nothing goes on. Keeps policy. */
void swap_init(struct swap *s, uint32_t service, const struct swap_policy *policy,
	       enum slot_id live);
/**
 * One step. Appends to plan, with object the service and slot -1 for its own timer:
 * PLAN_STEP at every change of step (from: the one before, text: how that ended),
 * PLAN_FINISH at the end (from: the step it ended in).
 */
void swap_step(struct swap *s, const struct swap_event *ev, usec_t now, struct plan *plan);
/** From BEGIN to PLAN_FINISH. */
static inline bool swap_busy(const struct swap *s)
{
	return s->step != SWAP_NONE;
}

/* ---- the old slot after a flip ------------------------------------------------------------ */

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
};

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

/* ---- the gate ------------------------------------------------------------------------------ */

enum {
	GATE_WORKERS_MAX = 1024,
};

struct gate_policy {
	unsigned total;	     /* workers of the slot that have an address */
	unsigned min_ready;  /* of these; see gate_min_ready; 0: nothing to wait for */
	unsigned rise, fall; /* consecutive results that make healthy / unhealthy */
	usec_t interval;     /* between checks of one worker */
};

/**
 * One worker's health, judged from probe results. rise and fall are decided here, not in probe.
 * Plain data: it lies in the ledger as it is, so fields are only ever appended.
 */
struct health {
	unsigned good, bad; /* in a row */
	bool healthy;
	usec_t next; /* when to check again */
};

/** Feeds one result. Returns true when healthy changed. A probe without answer is no result. */
bool health_result(struct health *h, const struct gate_policy *p, bool ok, usec_t now);
/** The worker (re)started: forget what was known. */
void health_reset(struct health *h, usec_t now);

/** "all", "3" or "60%" of total -> number; -EINVAL. At least 1 when total is. */
int gate_min_ready(const char *text, unsigned total);

/** How a slot stands before the gate. */
struct gate_count {
	unsigned ready; /* RUNNING and healthy */
	unsigned lost;	/* FATAL or stopped: not ready by themselves any more */
};

enum gate_verdict {
	GATE_WAIT,
	GATE_PASSED,
	GATE_HOPELESS, /* min_ready cannot be reached */
	GATE_VERDICT_MAX_,
	GATE_VERDICT_INVALID_ = -22,
};
/** Passed with min_ready; hopeless when too many are lost for that. */
enum gate_verdict gate_judge(const struct gate_policy *p, const struct gate_count *count);
