#pragma once

/**
 * A plan: what a pure step wants to be done, in order. It has a fixed size and never allocates; a
 * step that would exceed it is a bug (assert). It can be printed as text, so that a failing test
 * reads as a story.
 */

#include <slotd/usec.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum plan_kind {
	PLAN_NONE, /* never in a plan; in tables it means that there is nothing to do */
	/* of a worker, whose id is object */
	PLAN_SPAWN,
	PLAN_SIGNAL, /* arg: signal; group: to the process group */
	PLAN_TIMER,  /* at; USEC_NEVER clears */
	PLAN_STATE,  /* arg: new state, from: old one, pid, tries, expected; ledger, event */
	PLAN_LOG,    /* arg: priority, text */
	/* of a service, whose index is object; slot says which slot */
	PLAN_TOUCH, /* from here on the slot may contain a part of what is deployed */
	PLAN_RUN,   /* run commands; arg: enum hook */
	PLAN_STOP_RUN,
	PLAN_SLOT_START,    /* arg 1: workers that run are stopped first */
	PLAN_SLOT_STOP,	    /* arg 1: workers are not killed before the drain is over */
	PLAN_GATE,	    /* begin checks of the slot's workers */
	PLAN_GATE_END,	    /* stop checking */
	PLAN_CHECK_RECORD,  /* can the record be written? */
	PLAN_READY,	    /* what was deployed into the slot is in order */
	PLAN_FLIP,	    /* send new connections to the slot */
	PLAN_LIVE,	    /* the flip is done: the slot and its workers are live */
	PLAN_PROVE,	    /* both slots have been live: either may be rolled back to */
	PLAN_STATUS,	    /* tell systemd which slot is live */
	PLAN_RECORD,	    /* state file, live_file, live_link */
	PLAN_RECALL,	    /* the slot no longer retires: its workers are kept */
	PLAN_RETIRE,	    /* the slot begins to retire; arg 1: it is not kept warm */
	PLAN_QUEUE_WORKERS, /* start those of the live slot, stop those of the other */
	PLAN_CHECKS,	    /* health checks follow the live slot */
	PLAN_BAKE,	    /* from here on the slot's connections are counted */
	PLAN_WATCH_DRAIN,   /* ends in DRAINED, at once if the slot is not draining */
	PLAN_DRAIN,	    /* begin to drain the slot */
	PLAN_CUT,	    /* close the connections that are left; arg 1: all at once */
	PLAN_STEP, /* arg: enum swap_step entered, from: the one before; text: how that ended */
	PLAN_BACK, /* the way back begins; from: the phase that failed after the flip; text: why */
	PLAN_FAILED, /* from: the phase that failed; text: why. The commands for that case follow */
	PLAN_FINISH, /* arg: exit code, from: the phase in which it ended; text: why, or what is
		      * to be added */
	PLAN_CLOSE,  /* the drain is over, or no longer watched: text */
	PLAN_ROLL,   /* the rolling restart begins, or goes on after a kill of slotd */
	PLAN_SETTLE, /* it is given up: no worker is left out */
	/* of a rolling restart, of a worker, whose id is object */
	PLAN_WORKER_DRAIN, /* it gets no new connections, and its present ones leave it */
	PLAN_WORKER_CUT,   /* close what is left */
	PLAN_WORKER_STOP,  /* arg 1: it is not killed before a drain would be over */
	PLAN_WORKER_START,
	PLAN_WORKER_STAYS, /* it gets connections again */
	PLAN_ROLLED,	   /* arg 0: it was restarted; 1: it did not become ready */
	PLAN_VERIFY_AT,	   /* at: when VERIFY_DUE is to come; USEC_NEVER clears */
	PLAN_VERIFY, /* arg 1: the commands of verify run, beside the phase; 0: they are ended */
	PLAN_SHARE,  /* the slot is a canary, with a share of arg; from 1: from now on */
	PLAN_STAND,  /* A/B test: the slot has a share of arg; 0: no more; ends in RECORDED */
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
	int code; /* STEP, FINISH: not 0 if the commands of from failed, which changes nothing */
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
/** Adds an action with this kind and object; its other members are zero, its text is "". */
struct plan_action *plan_add(struct plan *p, enum plan_kind kind, uint32_t object);
/** Adds a PLAN_LOG of this priority; a text longer than PLAN_TEXT_MAX is cut. */
void plan_log(struct plan *p, uint32_t object, int priority, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/** Writes "signal 3 SIGTERM group; timer 3 +10s" into buf, with times relative to now. Returns
 * buf. */
const char *plan_format(const struct plan *p, usec_t now, char *buf, size_t size);
