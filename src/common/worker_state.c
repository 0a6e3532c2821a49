#include <slotd/worker_state.h>

static const struct worker_state_info states[WORKER_STATE_MAX_] = {
	[WORKER_STOPPED] = {.name = "STOPPED", .code = 0, .startable = true},
	[WORKER_STARTING] = {.name = "STARTING",
			     .code = 10,
			     .alive = true,
			     .stoppable = true,
			     .signallable = true},
	[WORKER_RUNNING] = {.name = "RUNNING",
			    .code = 20,
			    .alive = true,
			    .stoppable = true,
			    .signallable = true},
	[WORKER_BACKOFF] = {.name = "BACKOFF", .code = 30, .stoppable = true},
	[WORKER_STOPPING] = {.name = "STOPPING", .code = 40, .alive = true, .signallable = true},
	[WORKER_EXITED] = {.name = "EXITED", .code = 100, .startable = true},
	[WORKER_FATAL] = {.name = "FATAL", .code = 200, .startable = true},
	[WORKER_UNKNOWN] = {.name = "UNKNOWN", .code = 1000, .alive = true},
};

const struct worker_state_info *worker_state_info(enum worker_state s)
{
	return &states[s];
}

enum worker_state worker_state_of_code(int64_t code)
{
	for (int s = 0; s < WORKER_STATE_MAX_; s++) {
		if (states[s].code == code) {
			return (enum worker_state)s;
		}
	}
	return WORKER_UNKNOWN;
}
