#pragma once

/**
 * Deploys, swaps and rollbacks as slotd reports them, so that a client may come late or come back.
 * What they print is in their logs (jobfollow.h). The oldest jobs go first.
 */

#include <slotd/message.h>
#include <slotd/vec.h>

enum {
	JOBS_MAX = 64,
	JOB_CODE_UNKNOWN = 13, /* slotctl's exit code for it (enum swap_exit) */
};

struct job {
	int64_t number;
	char *service, *who, *release, *text;
	int64_t kind, step, code; /* enum swap_kind, enum swap_step, exit code */
	bool done;		  /* and all of its log is written */
	uint64_t ended;		  /* wall clock, microseconds; 0: not known */
};

struct jobs {
	VEC(struct job *) list; /* oldest first */
};

void jobs_done(struct jobs *jobs);
/** Returns the job of that number; NULL: none is known. */
struct job *jobs_find(const struct jobs *jobs, int64_t number);
/** The number of the last one of a service; 0: none is known. */
int64_t jobs_last(const struct jobs *jobs, const char *service);
/** The last one of a service that is done; NULL: none is known. */
const struct job *jobs_last_done(const struct jobs *jobs, const char *service);
/** The job of that number, a fresh one if need be; NULL when out of memory. */
struct job *jobs_take(struct jobs *jobs, int64_t number);
/** Takes a JOB in. Returns the job, or NULL when out of memory. */
struct job *jobs_apply(struct jobs *jobs, const struct message *m);
/**
 * Their slotd is gone: jobs that were not done are lost, and say so to whoever follows, unless the
 * next slotd knows better.
 */
void jobs_lose(struct jobs *jobs);
