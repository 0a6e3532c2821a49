#pragma once

/**
 * A rolling restart inside the live slot (core/rolling.c): each worker drains, is stopped, started,
 * and must be healthy before it counts as done; only so many are under way at once. A worker has a
 * small machine of its own, which lies in its row of the ledger:
 *
 *	waiting -> draining -> (cutting) -> stopping -> starting -> done
 *
 * The deploy machine (slotd/deploy.h) has the restart as a phase, ROLL. When that fails or is
 * aborted, SETTLE follows it: whoever drains gets connections again, and whoever is being stopped
 * is started again, so that no worker is left out. rolling_next() decides, by the numbers of all of
 * them, what happens next. Pure: no system call, clock or log.
 */

#include <slotd/plan.h>

#include <stdbool.h>
#include <stdint.h>

enum roll_state {
	ROLL_NONE,     /* it takes no part, or not any more */
	ROLL_WAITING,  /* for its turn */
	ROLL_DRAINING, /* it runs, and gets no new connections */
	ROLL_CUTTING,  /* drain_timeout is over: its connections are being closed */
	ROLL_STOPPING, /* until it has no process any more */
	ROLL_STARTING, /* until it runs and is healthy */
	ROLL_DONE,     /* it was restarted */
	ROLL_FAILED,   /* it was restarted, and did not become ready */
	ROLL_STATE_MAX_,
	ROLL_STATE_INVALID_ = -22,
};

enum roll_event_kind {
	ROLL_EV_TAKE,	 /* its turn has come */
	ROLL_EV_DRAINED, /* no relay has a connection to it */
	ROLL_EV_CUT,	 /* its connections have been closed */
	ROLL_EV_ENDED,	 /* STOPPING: it has no process; DRAINING, CUTTING: it runs no more */
	ROLL_EV_READY,	 /* it runs, and is healthy if it has checks */
	ROLL_EV_LOST,	 /* it will not become ready by itself */
	ROLL_EV_TIMER,	 /* its deadline has passed */
	ROLL_EV_SETTLE,	 /* the restart is given up */
	ROLL_EV_RESUME,	 /* slotd was killed: what it waits for is begun again */
	ROLL_EV_MAX_,
	ROLL_EV_INVALID_ = -22,
};

/** What a step must know besides. */
struct roll_terms {
	usec_t drain_timeout, ready_timeout;
	bool drain_by_worker; /* it is told to stop at once, and ends its connections itself */
	bool served;	      /* it has an address; a queue worker has nothing to drain */
	bool running;	      /* it runs: otherwise there is nothing to drain or to stop */
	bool settling;	      /* the restart was given up: whoever is stopped is only started */
};

/** Plain data that lies in the ledger as it is, so fields are only ever appended. */
struct roll {
	enum roll_state state;
	usec_t deadline; /* USEC_NEVER: none */
	usec_t since;	 /* when its turn came */
	bool forced;	 /* it may be the last that serves */
};

/** Sets the state in which no restart goes on. */
void roll_init(struct roll *r);
/**
 * Takes a step of the worker `id`, and appends actions to plan: PLAN_WORKER_DRAIN, _CUT, _STOP (arg
 * 1: it may take as long as a drain), _START, _STAYS (it gets connections again), PLAN_ROLLED (arg
 * 0: it is done; 1: it did not become ready, and the restart has failed).
 */
void roll_step(struct roll *r, uint32_t id, const struct roll_terms *terms,
	       enum roll_event_kind kind, usec_t now, struct plan *plan);
/** Does it get no new connections because it drains? */
bool roll_is_leaving(const struct roll *r);
/** Returns "draining", ...; "?" for a number that is no state. */
const char *roll_state_name(enum roll_state s);

/** Numbers of the workers that take part. */
struct roll_count {
	unsigned waiting, under_way, done;
	unsigned cutting; /* of under_way */
	unsigned overdue; /* DRAINING, and their deadline has passed */
	unsigned serving; /* of the slot: healthy, and not leaving */
	unsigned most;	  /* under way at once: rolling_most() */
	bool next_serves; /* the first that waits is one of serving */
	bool forced;	  /* also if nobody is left to serve meanwhile */
};

enum roll_next {
	ROLL_NEXT_WAIT,	  /* for what is under way */
	ROLL_NEXT_TAKE,	  /* the first that waits */
	ROLL_NEXT_CUT,	  /* the first that is overdue: one is cut at a time */
	ROLL_NEXT_NOBODY, /* the first cannot be taken: nobody else is healthy */
	ROLL_NEXT_OVER,	  /* nothing is left to do */
};

enum roll_next rolling_next(const struct roll_count *c);
/**
 * How many of total workers are restarted at once.
 *
 * @text  "1", "N" or "N%", of which at least 1 and at most all but one are meant.
 * Returns: -EINVAL if text is neither; with total 1, 1.
 */
int rolling_most(const char *text, unsigned total);
