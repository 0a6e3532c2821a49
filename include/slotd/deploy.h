#pragma once

/**
 * A deploy, swap or rollback is a list of phases, which a pure state machine for each service goes
 * through (core/deploy.c).
 *
 *	wait, precheck, prepare, release, start, gate, verify, canary, ..., check, flip, record,
 *	bake, after_swap, drain
 *
 * A rolling restart, which is a job like those, has a phase of its own and no other: roll
 * (slotd/rolling.h).
 *
 * The list is made when the deploy begins, and contains the phases that it needs, each with a time
 * limit. A phase is a row of the table in core/phases.c, which says when it is needed, what it does
 * and what each event means in it. When a phase has succeeded, the next one of the list begins.
 *
 * live and target are kept apart. The live slot is not touched before the other one has passed the
 * gate and the flip is known to be done; any earlier failure only stops the idle slot, which
 * drains first if it was a canary. There is a canary phase for each step of the share; a canary
 * made by hand has a single one, whose share people change. An A/B test is a list that ends with
 * the phase share: what it sets stands until another list changes it. If the new slot fails during
 * the bake, the rest of the list is replaced by the way back. While a phase lasts that says so, the
 * commands of verify run again and again, one run at a time; if one fails, that is FAILING. The
 * outcome is reported when the last phase before the drain has ended. Where the prepare commands
 * have said that what they did cannot be undone, there is no way back: the deploy fails, and the
 * new slot stays live. A deploy that fails runs the commands of on_failure before its outcome is
 * reported. The drain is a machine of its own (slotd/retire.h): the deploy watches it for a while,
 * and it does not keep another deploy from beginning, which ends it.
 */

#include <slotd/canary_share.h>
#include <slotd/plan.h>
#include <slotd/swap_names.h>
#include <slotd/switchboard.h>

enum deploy_event_kind {
	DEPLOY_EV_BEGIN,	/* policy, what; warm, draining, touched */
	DEPLOY_EV_COMMANDS,	/* the phase's commands have ended; code: exit status; text */
	DEPLOY_EV_STARTED,	/* all workers of the target that are needed run */
	DEPLOY_EV_START_FAILED, /* text */
	DEPLOY_EV_READY,	/* gate passed: text "5/5 healthy" */
	DEPLOY_EV_NOT_READY,	/* gate failed for good: text */
	DEPLOY_EV_RECORD_OK,
	DEPLOY_EV_RECORD_FAILED,
	DEPLOY_EV_FLIPPED, /* every relay acknowledged */
	DEPLOY_EV_FLIP_FAILED,
	DEPLOY_EV_RECORDED,    /* code 0; else text says why the record failed after the flip */
	DEPLOY_EV_CRASHED,     /* BAKE, CANARY: a worker of the new slot crashed: text; warm */
	DEPLOY_EV_FAILING,     /* BAKE, CANARY: too few workers pass their checks, or too many
				* requests fail: text; warm */
	DEPLOY_EV_ROLLED_BACK, /* BAKE: a rollback is about to begin: text says by whom */
	DEPLOY_EV_DRAINED,     /* the idle slot has drained */
	DEPLOY_EV_ABORT,       /* it shall stop: text says who wants that; code is not 0 if slotd
				* ends and can run nothing more */
	DEPLOY_EV_TIMER,       /* text: what the phase still waits for. BAKE, CANARY: code is not 0
				* if too few workers are healthy now; warm. AFTER_SWAP: code is not
				* 0 */
	DEPLOY_EV_RESUME,      /* by deploy_resume alone */
	DEPLOY_EV_ROLLED,      /* ROLL, SETTLE: nothing is left to do; text */
	DEPLOY_EV_ROLL_FAILED, /* ROLL: a worker did not become ready: text */
	DEPLOY_EV_VERIFY_DUE,  /* the time of PLAN_VERIFY_AT has come */
	DEPLOY_EV_VERIFIED,    /* the commands of PLAN_VERIFY have ended well; a failure is FAILING
				*/
	DEPLOY_EV_PROMOTE,     /* CANARY: it shall become live now: text says who wants that */
	DEPLOY_EV_SHARE,       /* CANARY: it gets another share; 0: it is given up */
	DEPLOY_EV_MAX_,
	DEPLOY_EV_INVALID_ = -22,
};

/** What a service's configuration says of its deploys, and of the end of the old slot. */
struct swap_policy {
	bool has_hook[HOOK_MAX_];
	usec_t hook_timeout[HOOK_MAX_]; /* USEC_NEVER: none */
	usec_t ready_timeout;
	usec_t bake;		/* 0: none */
	usec_t verify_interval; /* 0: verify is not repeated */
	unsigned bake_crashes;
	usec_t drain_timeout, drain_spread;
	bool drain_by_worker; /* the old workers are told to stop at once */
	usec_t idle_keep;
	struct canary_step canary[CANARY_STEPS_MAX]; /* of a deploy */
	unsigned n_canary;
	unsigned canary_crashes;
	usec_t canary_timeout; /* of one made by hand; 0: none */
};

struct deploy_event {
	enum deploy_event_kind kind;
	enum swap_kind what;		  /* BEGIN */
	const struct swap_policy *policy; /* BEGIN: borrowed */
	bool warm;	 /* the idle slot's workers run and are healthy: it need not be started */
	bool draining;	 /* BEGIN: the target still has connections */
	bool touched;	 /* BEGIN: a deploy has begun in the target and none has succeeded */
	bool until_gate; /* BEGIN: the target is made ready, and not swapped to */
	bool unnamed;	 /* BEGIN: nobody has said which release it is */
	bool one_way;	 /* BEGIN, COMMANDS: the target contains what rules out a way back */
	uint16_t share;	 /* BEGIN: of a canary by hand, or of an A/B test; SHARE: the new one */
	bool stands;	 /* BEGIN: share is that of an A/B test; 0 ends the test */
	bool keeps;	 /* BEGIN: the target has a share now, by an A/B test, and keeps it if this
			  * fails */
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

/** Plain data that lies in the ledger as it is, so fields are only ever appended. */
struct deploy {
	uint32_t service; /* index; object of the plan's actions */
	enum swap_step step;
	enum swap_kind kind;
	enum slot_id live;   /* the slot that is live now, by the switchboard */
	enum slot_id target; /* the slot that shall be live */
	bool warm;
	bool afresh; /* workers that run in the target are stopped before it starts */
	bool back;   /* it is on the way back: the target is the slot that was live before */
	uint32_t n, at;
	uint32_t total; /* phases that people see */
	uint32_t turn;	/* the index of the first phase of the way back; n: there is none */
	uint32_t crashes, crashes_max; /* BAKE: of the new slot's workers; how many are tolerated */
	usec_t ready_timeout;	       /* also for the way back */
	usec_t phase_began;
	usec_t deadline; /* of the timer that is armed; USEC_NEVER */
	struct deploy_phase phases[DEPLOY_PHASES_MAX];
	usec_t on_failure;   /* how long the commands for that case may take; 0: there are none */
	enum swap_exit code; /* ON_FAILURE: with which it finishes */
	bool until_gate;     /* it ends before the flip, and the target stays up */
	bool one_way;	     /* a new slot that fails stays live: going back would be worse */
	bool verifying;	     /* the commands of PLAN_VERIFY run */
	usec_t verify_interval; /* 0: verify is not repeated */
	usec_t verify_at;	/* when they are to run next; USEC_NEVER, also 0: never */
	bool by_hand;		/* people set the share of the canary, and say when it ends */
	bool stands;		/* it ends with an A/B test, which then goes on */
	bool keeps;		/* if it is given up, nothing is done to the target */
	uint16_t weight;	/* share of the canary now, of PLACEMENT_WHOLE; 0: there is none */
	uint16_t share;		/* stands: of the A/B test */
	uint32_t canary_crashes, canary_crashes_max;
	usec_t canary_began;
	uint16_t weights[DEPLOY_PHASES_MAX]; /* of each phase that is a canary */
};

/** Are these bytes, which come from elsewhere, a state from which deploy_step can go on? */
bool deploy_sane(const struct deploy *d);
/** Sets the state in which no deploy goes on. */
void deploy_init(struct deploy *d, uint32_t service, enum slot_id live);
/**
 * Takes a step. Appends actions to plan, whose object is the service, and whose slot is -1 for its
 * own timer: PLAN_STEP at every change of phase, PLAN_FINISH when the outcome is known, PLAN_BACK
 * when the way back begins, PLAN_CLOSE when the drain is no longer watched.
 */
void deploy_step(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan);
/**
 * After a restart of slotd alone: what the phase does is begun again, for nobody knows how far that
 * had come; each of these acts may be done twice. A phase that cannot be done twice fails
 * (prepare). Which slot is live by the switchboard may be ahead of d->live, within the flip.
 */
void deploy_resume(struct deploy *d, usec_t now, struct plan *plan);
/** Is a deploy going on, whose outcome is not known yet? Then no other may begin. */
bool deploy_busy(const struct deploy *d);
/** Returns the slot it works on, whose workers nobody else should start or stop; or
 * SLOT_INVALID_. */
enum slot_id deploy_slot_in_use(const struct deploy *d);
