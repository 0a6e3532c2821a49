#pragma once

/** The names and numbers of Supervisor's process states. */

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
	int code;	  /* the number in the API (state of getProcessInfo): 20 */
	bool alive;	  /* a process exists */
	bool startable;	  /* a request to start is accepted */
	bool stoppable;	  /* a request to stop is accepted: STARTING, RUNNING, BACKOFF */
	bool signallable;
};
/** Returns the row of a state below WORKER_STATE_MAX_; static. */
const struct worker_state_info *worker_state_info(enum worker_state s);
/** Returns WORKER_UNKNOWN for a number that the API does not have. */
enum worker_state worker_state_of_code(int64_t code);
