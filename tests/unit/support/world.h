#pragma once

/**
 * The fake world of the pure core: one worker, a clock that moves when told, and the timer that
 * its plans asked for. What a step planned prints as text, so a failure reads as a story.
 */

#include <slotd/worker.h>

struct world {
	struct worker_policy policy;
	struct worker worker;
	usec_t now;
	usec_t timer; /* as the plans left it */
	pid_t next_pid;
	struct plan plan;
	char text[16 * 1024];
};

/** Supervisor's defaults: startsecs=1, startretries=3, autorestart=unexpected, exitcodes=0. */
void world_init(struct world *w);

/** Sends an event; states, signals, spawns and timers of its plan. Log lines: world_log. */
const char *world_send(struct world *w, enum worker_event_kind kind);
const char *world_exit(struct world *w, int code);
const char *world_killed(struct world *w, int signo);
const char *world_spawn_fails(struct world *w, int error, const char *text);
/** STARTED: start and spawned; RUNNING: also startsecs passed. */
void world_start(struct world *w);
void world_run(struct world *w);
/** Moves the clock; the timer fires when it comes due. Returns the plan of what fired last. */
const char *world_advance(struct world *w, usec_t span);
/** The log lines of the last plan, "; " between them, priorities in front. */
const char *world_log(struct world *w);
/** Name of the state it is in. */
const char *world_state(const struct world *w);

/** wait(2) statuses. */
#define STATUS_EXITED(code)   ((code) << 8)
#define STATUS_KILLED(signal) (signal)
