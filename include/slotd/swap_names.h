#pragma once

/**
 * The words of a deploy, swap or rollback that every process shares: phases (here "steps"), kinds,
 * exit codes, and their names.
 */

enum swap_step {
	SWAP_NONE,
	SWAP_PREPARE,
	SWAP_START,
	SWAP_GATE,
	SWAP_CHECK_RECORD,
	SWAP_FLIP,
	SWAP_BAKE,	 /* the new slot is watched for the time that bake= sets */
	SWAP_WAIT,	 /* a deploy waits until its slot has drained, before PREPARE */
	SWAP_PRECHECK,	 /* a deploy checks, before all else, that the record can be written */
	SWAP_RECORD,	 /* the flip is done, and is being recorded */
	SWAP_DRAIN,	 /* the outcome is known; the old slot is watched for a while */
	SWAP_VERIFY,	 /* commands look at the slot that passed the gate, before the flip */
	SWAP_AFTER_SWAP, /* commands run because the new slot stays live */
	SWAP_ON_FAILURE, /* commands run because the deploy has failed; that is told already */
	SWAP_RELEASE,	 /* a command says what was prepared, where nobody has named it */
	SWAP_ROLL,	 /* the workers of the live slot are restarted, a few at a time */
	SWAP_SETTLE,	 /* that was given up: workers that were taken out come back */
	SWAP_CANARY,	 /* the new slot gets a share of the connections, before the flip */
	SWAP_SHARE,	 /* an A/B test begins, ends or gets another share; that is recorded */
	SWAP_STEP_MAX_,
	SWAP_STEP_INVALID_ = -22,
};

enum swap_kind {
	SWAP_KIND_SWAP,
	SWAP_KIND_DEPLOY,
	SWAP_KIND_ROLLBACK,
	SWAP_KIND_RESTART, /* rolling, inside the live slot */
	SWAP_KIND_CANARY,
	SWAP_KIND_AB,
	SWAP_KIND_PROMOTE, /* the other slot of an A/B test becomes live */
	SWAP_KIND_MAX_,
	SWAP_KIND_INVALID_ = -22,
};

/** Commands that the configuration of a service may have, and when they run. */
enum hook {
	HOOK_PREPARE,	 /* in the idle slot, before it starts */
	HOOK_VERIFY,	 /* the idle slot has passed the gate */
	HOOK_AFTER_SWAP, /* the new slot stays live */
	HOOK_ON_FAILURE, /* it was not swapped, or flipped back */
	HOOK_RELEASE,	 /* prints the name of the release that the idle slot contains */
	HOOK_MAX_,
	HOOK_INVALID_ = -22,
};

/* Exit codes of deploy, swap, rollback, canary, promote and ab. */
enum swap_exit {
	SWAP_EXIT_DONE = 0,
	SWAP_EXIT_FAILED = 10, /* nothing changed */
	SWAP_EXIT_FLIPPED_BACK = 11,
	SWAP_EXIT_BUSY = 12,
	SWAP_EXIT_UNKNOWN = 13, /* the connection was lost */
};

/** Returns the name that people see: "prepare", "start", "gate", "swap", "bake", "wait"; "" for
 * SWAP_NONE. */
const char *swap_step_name(enum swap_step step);
/** Returns a name that no other step has: "none", "record", ...; for plans and tests. */
const char *swap_state_name(enum swap_step step);
/** Returns the name of the option, "prepare", "after_swap"; "?" for a number that is no hook. */
const char *hook_name(enum hook hook);
/** Returns "swap", "deploy", "rollback", "restart", "canary", "ab", "promote"; "?" for a number
 * that is no kind. */
const char *swap_kind_name(enum swap_kind kind);
