#pragma once

/**
 * The worker's life: Supervisor's states and timings as a pure state machine (core/worker.c).
 *
 * Input is an event and the time, output a plan. The wiring performs the plan and feeds back what
 * came of it (a spawn that failed is an event). What a state implies is a column of
 * worker_state_info, not an if.
 *
 * Source: Supervisor's documentation, "Process States"; slotd.conf(5).
 */

#include <slotd/plan.h>
#include <slotd/switchboard.h>
#include <slotd/usec.h>
#include <slotd/worker_state.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum worker_event_kind {
	WORKER_EV_START,	/* asked to start */
	WORKER_EV_STOP,		/* asked to stop */
	WORKER_EV_SHUTDOWN,	/* as STOP; BACKOFF becomes FATAL (Supervisor) */
	WORKER_EV_SPAWNED,	/* pid */
	WORKER_EV_SPAWN_FAILED, /* errno, text for spawnerr; after SPAWNED the EXIT follows */
	WORKER_EV_EXIT,		/* status: wait status; the leader is gone and reaped */
	WORKER_EV_TIMER,	/* the deadline the plan asked for has passed */
	WORKER_EV_KILL_FAILED,	/* errno other than ESRCH */
	WORKER_EV_MAX_,
	WORKER_EV_INVALID_ = -22,
};

struct worker_event {
	enum worker_event_kind kind;
	pid_t pid;
	int status;	 /* EXIT: wait status; failures: negative errno */
	usec_t patience; /* STOP: the least time until it is killed, where stopwaitsecs is less */
	const char *text;
};

enum autorestart {
	AUTORESTART_NEVER,
	AUTORESTART_UNEXPECTED,
	AUTORESTART_ALWAYS,
	AUTORESTART_MAX_,
	AUTORESTART_INVALID_ = -22,
};

enum {
	WORKER_EXITCODES_WORDS = 256 / 32,
	/* design: ten starts may follow at once, then one a second until it has lived 10 s */
	WORKER_BURST = 10,
	WORKER_STEADY_S = 10,
	WORKER_LIVE_BACKOFF_MAX_S = 60, /* cap of a live slot's worker that would be FATAL */
	WORKER_EXHAUSTED_MAX_S = 10,	/* cap of the wait for processes, files or memory */
};

/** What the state machine needs to know; part of struct worker_config (config.h). */
struct worker_policy {
	usec_t startsecs;
	unsigned startretries;
	enum autorestart autorestart;
	uint32_t exitcodes[WORKER_EXITCODES_WORDS]; /* bit set: expected */
	int stopsignal;
	usec_t stopwaitsecs;
	bool stopasgroup, killasgroup;
};

/**
 * What a step goes by and is no state: a reload may change it between two steps. Borrowed.
 */
struct worker_terms {
	const char *name; /* without group, for log lines */
	const struct worker_policy *policy;
};

/** Plain data: it lies in the ledger as it is, so fields are only ever appended. */
struct worker {
	uint32_t id;	  /* place in the ledger; object of the plan's actions */
	bool keep_trying; /* worker of a live slot: FATAL is announced once, then capped backoff */
	bool no_start;	  /* the daemon ends: nothing is started any more */
	enum worker_state state;
	pid_t pid;
	usec_t started;	  /* monotonic, last spawn */
	usec_t since;	  /* monotonic, last state change */
	usec_t deadline;  /* of the timer that is armed; USEC_NEVER */
	unsigned backoff; /* failures in a row (Supervisor's counter, "tries") */
	unsigned restarts;
	unsigned burst;	    /* starts in a row that did not live 10 s */
	unsigned exhausted; /* spawns in a row that failed for want of processes, files, memory */
	int exit;	    /* last wait status; -1 none yet */
	bool exit_expected;
	bool killed;	   /* STOPPING: it has had its time, and SIGKILL */
	bool exited_early; /* the last end came before startsecs: exitstatus is reported as 0 */
	bool fatal_told;   /* keep_trying: the FATAL event was sent */
	char spawnerr[256];
};

/** A worker that was never started. */
void worker_init(struct worker *w, uint32_t id);

/**
 * One step. Appends to plan: PLAN_SPAWN, PLAN_SIGNAL, PLAN_TIMER, PLAN_STATE, PLAN_LOG.
 *
 * @now  monotonic; never goes back.
 */
void worker_step(struct worker *w, const struct worker_terms *terms, const struct worker_event *ev,
		 usec_t now, struct plan *plan);

/** Is there something a stop ends: a process, or a start to come? */
bool worker_stoppable(const struct worker *w);

/**
 * A flip made its slot live, or idle. A live slot's worker that is FATAL starts trying again, an
 * idle one's ceases to.
 */
void worker_set_keep_trying(struct worker *w, bool keep_trying, usec_t now, struct plan *plan);

/** As getProcessInfo reports it: exit code, -1 after a signal, 0 when there is none to tell. */
int worker_exitstatus(const struct worker *w);

/** Was this end expected by exitcodes=? Death by signal never is. */
bool worker_exit_expected(const struct worker_policy *policy, int status);

/** "exit status 3", "terminated by SIGTERM (core dumped)". Returns buf. Supervisor's words. */
const char *worker_status_text(int status, char *buf, size_t size);
/** "SIGTERM"; "signal 35" for one without a name. Returns buf. */
const char *worker_signal_name(int signo, char *buf, size_t size);
