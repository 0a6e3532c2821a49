#pragma once

/** What status and slots print, made of what the server sends. Pure. */

#include "value.h"

#include <slotd/strbuf.h>

/* Supervisor's process states. */
enum worker_number {
	WORKER_NUMBER_STOPPED = 0,
	WORKER_NUMBER_STARTING = 10,
	WORKER_NUMBER_RUNNING = 20,
	WORKER_NUMBER_BACKOFF = 30,
	WORKER_NUMBER_STOPPING = 40,
	WORKER_NUMBER_EXITED = 100,
	WORKER_NUMBER_FATAL = 200,
	WORKER_NUMBER_UNKNOWN = 1000,
};

/** Is it of the class that makes status exit with 3? */
bool worker_is_stopped(int64_t state);

/** supervisorctl's table of the given workers. 0 or -ENOMEM. */
int view_plain(struct strbuf *to, const struct value *const *workers, size_t n);
/** What a person sees of the whole machine. 0 or -ENOMEM. */
int view_status(struct strbuf *to, const struct value *status);
