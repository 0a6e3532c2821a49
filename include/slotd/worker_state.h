#pragma once

/** Supervisor's process states: names and numbers, for slotd and for who shows them. */

#include <stdbool.h>
#include <stdint.h>

enum worker_state {
	WORKER_STOPPED,
	WORKER_STARTING,
	WORKER_RUNNING,
	WORKER_BACKOFF,
	WORKER_STOPPING,
	WORKER_EXITED,
	WORKER_FATAL,
	WORKER_UNKNOWN,
	WORKER_STATE_MAX_,
	WORKER_STATE_INVALID_ = -22,
};

struct worker_state_info {
	const char *name; /* "RUNNING" */
	int code;	  /* the API's number (getProcessInfo.state): 20 */
	bool alive;	  /* a process exists */
	bool startable;	  /* a start request is obeyed */
	bool stoppable;	  /* a stop request is obeyed: STARTING, RUNNING, BACKOFF */
	bool signallable;
};
/** Of a state below WORKER_STATE_MAX_; static. */
const struct worker_state_info *worker_state_info(enum worker_state s);
/** WORKER_UNKNOWN for a number that is none of the API's. */
enum worker_state worker_state_of_code(int64_t code);
