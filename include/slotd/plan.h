#pragma once

/**
 * A plan: what a pure step wants done, in order. Fixed size, never allocates; a step that would
 * exceed it is our bug (assert). Prints as text, so that a failing test reads as a story.
 */

#include <slotd/usec.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum plan_kind {
	PLAN_NONE, /* never in a plan: in tables, nothing to do */
	/* of a worker: object is its id */
	PLAN_SPAWN,
	PLAN_SIGNAL, /* arg: signal; group: to the process group */
	PLAN_TIMER,  /* at; USEC_NEVER clears */
	PLAN_STATE,  /* arg: new state, from: old one, pid, tries, expected; ledger, event */
	PLAN_LOG,    /* arg: priority, text */
	/* of a service: object is its index; slot says which */
	PLAN_TOUCH,   /* from here on the slot holds what is deployed, be it whole or not */
	PLAN_PREPARE, /* run the prepare commands */
	PLAN_STOP_PREPARE,
	PLAN_SLOT_START,    /* arg 1: afresh (stop what runs first) */
	PLAN_SLOT_STOP,	    /* arg 1: not killed before the drain is over */
	PLAN_GATE,	    /* begin checks of the slot's workers */
	PLAN_GATE_END,	    /* stop checking */
	PLAN_CHECK_RECORD,  /* can the record be written? */
	PLAN_FLIP,	    /* tables acknowledged, store, doorbell */
	PLAN_LIVE,	    /* the flip is done: slot is live, its workers are a live slot's */
	PLAN_PROVE,	    /* both slots have been live: either may be rolled back to */
	PLAN_STATUS,	    /* systemd is told who is live */
	PLAN_RECORD,	    /* state file, live_file, live_link */
	PLAN_RECALL,	    /* the slot's retirement ends: its workers are kept */
	PLAN_RETIRE,	    /* the slot's retirement begins; arg 1: it is not kept warm */
	PLAN_QUEUE_WORKERS, /* those of the live slot start, those of the other stop */
	PLAN_CHECKS,	    /* health checks follow the live slot */
	PLAN_BAKE,	    /* from here on the slot's connections are counted */
	PLAN_WATCH_DRAIN,   /* ends in DRAINED, at once where the slot does not drain */
	PLAN_DRAIN,	    /* begin to drain the slot */
	PLAN_CUT,	    /* end what is left; arg 1: at once, not spread */
	PLAN_STEP, /* arg: enum swap_step entered, from: the one before; text: how that ended */
	PLAN_BACK, /* the phase that failed after the flip, from; text: why. The way back begins */
	PLAN_FINISH, /* arg: exit code, from: the phase in which it ended; text: why, or what is
		      * to be added */
	PLAN_CLOSE,  /* the drain is over, or is watched no more: text */
	PLAN_KIND_MAX_,
	PLAN_KIND_INVALID_ = -22,
};

enum {
	PLAN_ACTIONS_MAX = 24,
	PLAN_TEXT_MAX = 512,
};

struct plan_action {
	enum plan_kind kind;
	uint32_t object;
	int slot;
	int arg, from;
	bool group;
	/* STATE: as it was when the state was entered; a later action of the plan may change it */
	pid_t pid;
	unsigned tries; /* failures in a row */
	bool expected;	/* EXITED: by exitcodes= */
	usec_t at;
	unsigned position; /* STEP, BACK, FINISH: of from among the phases people see; 0: none */
	char text[PLAN_TEXT_MAX];
};

struct plan {
	unsigned len;
	struct plan_action actions[PLAN_ACTIONS_MAX];
};

/** Empties it. */
void plan_init(struct plan *p);
/** The next free action, zeroed, with kind and object set. Its text is "" . */
struct plan_action *plan_add(struct plan *p, enum plan_kind kind, uint32_t object);
/** A PLAN_LOG of this priority; a text beyond PLAN_TEXT_MAX is cut. */
void plan_log(struct plan *p, uint32_t object, int priority, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/** "signal 3 SIGTERM group; timer 3 +10s" into buf; times relative to now. Returns buf. */
const char *plan_format(const struct plan *p, usec_t now, char *buf, size_t size);
