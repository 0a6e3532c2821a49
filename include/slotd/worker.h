#pragma once

/**
 * The life of a worker: Supervisor's states and timings as a pure state machine (core/worker.c).
 *
 * The input is an event and the time, the output a plan. slotd carries out the plan, and the result
 * comes back as an event (also a spawn that failed). What a state implies is a column of
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
	WORKER_EV_START,	/* somebody asks for its start */
	WORKER_EV_STOP,		/* somebody asks for its stop */
	WORKER_EV_SHUTDOWN,	/* like STOP, but BACKOFF becomes FATAL, as in Supervisor */
	WORKER_EV_SPAWNED,	/* pid */
	WORKER_EV_SPAWN_FAILED, /* errno, text for spawnerr; after SPAWNED the EXIT follows */
	WORKER_EV_EXIT,		/* status: wait status; the leader has ended and was reaped */
	WORKER_EV_TIMER,	/* the deadline that a plan set has passed */
	WORKER_EV_KILL_FAILED,	/* errno other than ESRCH */
	WORKER_EV_HUNG,		/* its watchdog has found it hung: it is to end, as if it crashed */
	WORKER_EV_MAX_,
	WORKER_EV_INVALID_ = -22,
};

struct worker_event {
	enum worker_event_kind kind;
	pid_t pid;
	int status;	 /* EXIT: wait status; failures: negative errno */
	usec_t patience; /* STOP: do not kill it earlier, even if stopwaitsecs is shorter */
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
	/* ten starts may follow each other at once, then one a second until it has lived 10 s */
	WORKER_BURST = 10,
	WORKER_STEADY_S = 10,
	WORKER_LIVE_BACKOFF_MAX_S = 60, /* longest wait in a live slot, where others are FATAL */
	WORKER_EXHAUSTED_MAX_S = 10,	/* longest wait for processes, files or memory */
	/* Wait status of one that was no child of ours, and how it ended is not known: no real one
	 * is like it. */
	WORKER_STATUS_UNKNOWN = 0x7f,
};

/** The options that the state machine uses; part of struct program_config (config.h). */
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
 * Further input of a step, which is not state: a reload may change it between two steps. Borrowed.
 */
struct worker_terms {
	const char *name; /* without group, for log lines */
	const struct worker_policy *policy;
};

/** Plain data that lies in the ledger as it is, so fields are only ever appended. */
struct worker {
	uint32_t id;	  /* index in the ledger; object of the plan's actions */
	bool keep_trying; /* in a live slot: FATAL is announced once, and starts are tried on */
	bool no_start;	  /* slotd ends: nothing is started any more */
	enum worker_state state;
	pid_t pid;
	usec_t started;	  /* monotonic, last spawn */
	usec_t since;	  /* monotonic, last state change */
	usec_t deadline;  /* of the timer that is armed; USEC_NEVER */
	unsigned backoff; /* failures in a row (Supervisor's counter, "tries") */
	unsigned restarts;
	unsigned burst;	    /* starts in a row that did not live 10 s */
	unsigned exhausted; /* spawns in a row that failed for want of processes, files, memory */
	int exit;	    /* last wait status; -1: none yet */
	bool exit_expected;
	bool killed;	   /* STOPPING: its time was over, and it was sent SIGKILL */
	bool exited_early; /* it last ended before startsecs: exitstatus is reported as 0 */
	bool fatal_told;   /* keep_trying: the FATAL event was sent */
	char spawnerr[256];
};

/** Sets the state of a worker that was never started. */
void worker_init(struct worker *w, uint32_t id);

/**
 * Takes a step. Appends to plan: PLAN_SPAWN, PLAN_SIGNAL, PLAN_TIMER, PLAN_STATE, PLAN_LOG.
 *
 * @now  monotonic; never goes back.
 */
void worker_step(struct worker *w, const struct worker_terms *terms, const struct worker_event *ev,
		 usec_t now, struct plan *plan);

/** Is there something to stop: a process, or a start that is to come? */
bool worker_stoppable(const struct worker *w);

/**
 * Tells a worker that a flip made its slot live, or idle. A worker that is FATAL is tried again in
 * a live slot, and no longer in an idle one.
 */
void worker_set_keep_trying(struct worker *w, bool keep_trying, usec_t now, struct plan *plan);

/** Returns what getProcessInfo reports: the exit code, -1 after a signal, 0 if there is none. */
int worker_exitstatus(const struct worker *w);

/** Does exitcodes= expect this end? Death by a signal is never expected. */
bool worker_exit_expected(const struct worker_policy *policy, int status);

/** Writes "exit status 3", "terminated by SIGTERM (core dumped)", in Supervisor's words; "how is
 * not known". Returns buf. */
const char *worker_status_text(int status, char *buf, size_t size);
/** Writes "SIGTERM", or "signal 35" if the signal has no name. Returns buf. */
const char *worker_signal_name(int signo, char *buf, size_t size);
