#pragma once

/**
 * A deploy, swap or rollback is a list of phases: a pure state machine per service (core/deploy.c).
 *
 *	wait, precheck, prepare, start, gate, check, flip, record, bake, drain
 *
 * The list is made when it begins and holds the phases that this one needs, each with its time
 * limit. A phase is a row of the table in core/deploy.c: when it is needed, what it does, what
 * each event means in it. A phase that has ended well leads to the next of the list.
 *
 * live and target are kept apart. Nothing that works is touched before its successor has passed
 * the gate and the flip is known to be done; any earlier failure only stops the idle slot. A new
 * slot that fails while it is baked turns the deploy round: the rest of the list is replaced by the
 * way back. The outcome is told when the last phase before the drain has ended; the drain itself
 * is a machine of its own (slotd/retire.h), watched for a while, and ended by the next
 * deploy: it blocks none.
 */

#include <slotd/plan.h>
#include <slotd/swap_names.h>
#include <slotd/switchboard.h>

enum deploy_event_kind {
	DEPLOY_EV_BEGIN,	/* policy, what; warm, draining, touched */
	DEPLOY_EV_PREPARED,	/* code: exit status of prepare, 0 good; text */
	DEPLOY_EV_STARTED,	/* all needed workers of the target run */
	DEPLOY_EV_START_FAILED, /* text */
	DEPLOY_EV_READY,	/* gate passed: text "5/5 healthy" */
	DEPLOY_EV_NOT_READY,	/* gate failed for good: text */
	DEPLOY_EV_RECORD_OK,
	DEPLOY_EV_RECORD_FAILED,
	DEPLOY_EV_FLIPPED, /* every relay acknowledged */
	DEPLOY_EV_FLIP_FAILED,
	DEPLOY_EV_RECORDED,    /* code 0, or why the record failed after the flip: text */
	DEPLOY_EV_CRASHED,     /* BAKE: a worker of the new slot ended unasked: text; warm */
	DEPLOY_EV_FAILING,     /* BAKE: too few workers pass their checks: text; warm */
	DEPLOY_EV_ROLLED_BACK, /* BAKE: a rollback is about to begin: text says whose */
	DEPLOY_EV_DRAINED,     /* the idle slot has drained */
	DEPLOY_EV_ABORT,       /* asked to stop: text says by whom */
	DEPLOY_EV_TIMER,       /* text: what the phase still waits for. BAKE: code is not 0 where
				* too few workers are healthy by now; warm */
	DEPLOY_EV_MAX_,
	DEPLOY_EV_INVALID_ = -22,
};

/** What a service's configuration says of its deploys, and of the end of the old slot. */
struct swap_policy {
	bool has_prepare;
	usec_t prepare_timeout; /* USEC_NEVER: none */
	usec_t ready_timeout;
	usec_t bake; /* 0: none */
	unsigned bake_crashes;
	usec_t drain_timeout, drain_spread;
	bool drain_by_worker; /* the old workers are told to stop at once */
	usec_t idle_keep;
};

struct deploy_event {
	enum deploy_event_kind kind;
	enum swap_kind what;		  /* BEGIN */
	const struct swap_policy *policy; /* BEGIN: borrowed */
	bool warm;     /* the idle slot's workers run and are healthy: it can just be flipped to */
	bool draining; /* BEGIN: the target still has connections */
	bool touched;  /* BEGIN: a deploy has begun in the target and none has succeeded */
	int code;
	const char *text;
};

enum {
	DEPLOY_PHASES_MAX = 24,
};

struct deploy_phase {
	enum swap_step step;
	usec_t limit; /* how long it may take, or lasts; USEC_NEVER */
};

/** Plain data: it lies in the ledger as it is, so fields are only ever appended. */
struct deploy {
	uint32_t service; /* index; object of the plan's actions */
	enum swap_step step;
	enum swap_kind kind;
	enum slot_id live;   /* who is live now, by the switchboard */
	enum slot_id target; /* who shall be */
	bool warm;
	bool afresh; /* what runs in the target ends before it starts */
	bool back;   /* it turned round: the target is the slot that was live before */
	uint32_t n, at;
	uint32_t total; /* phases that people see */
	uint32_t turn;	/* the place of the first phase of the way back; n: there is none */
	uint32_t crashes, crashes_max; /* BAKE: of the new slot's workers; how many are borne */
	usec_t ready_timeout;	       /* of the way back, too */
	usec_t phase_began;
	usec_t deadline; /* of the timer that is armed; USEC_NEVER */
	struct deploy_phase phases[DEPLOY_PHASES_MAX];
};

/** Of bytes that come from elsewhere: may deploy_step go on from here? */
bool deploy_sane(const struct deploy *d);
/** Nothing goes on. */
void deploy_init(struct deploy *d, uint32_t service, enum slot_id live);
/**
 * One step. Appends to plan, with object the service and slot -1 for its own timer:
 * PLAN_STEP at every change of phase, PLAN_FINISH when the outcome is known, PLAN_BACK when it
 * turns round, PLAN_CLOSE when the drain is not watched any more.
 */
void deploy_step(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan);
/** From BEGIN until the outcome is known: no other may begin. */
bool deploy_busy(const struct deploy *d);
/** The slot it works on, whose workers nobody else should start or stop; or SLOT_INVALID_. */
enum slot_id deploy_slot_in_use(const struct deploy *d);
