#pragma once

/**
 * Deploys, swaps and rollbacks as slotd reports them: state and the last lines of output, so that
 * a client may come late or come back. The oldest jobs and lines go first.
 */

#include <slotd/message.h>
#include <slotd/vec.h>

enum {
	JOBS_MAX = 32,
	JOB_LINES_MAX = 2000,
	JOB_BYTES_MAX = 512 * 1024,
	JOB_CODE_UNKNOWN = 13, /* slotctl's exit code for it (enum swap_exit) */
};

struct job_line {
	uint64_t seq;
	int64_t step; /* enum swap_step */
	char *text;
};

struct job {
	int64_t number;
	char *service, *who, *release, *text;
	int64_t kind, step, code; /* enum swap_kind, enum swap_step, exit code */
	bool done;
	uint64_t seq; /* of the newest line */
	VEC(struct job_line) lines;
	size_t bytes;
};

struct jobs {
	VEC(struct job *) list; /* oldest first */
};

void jobs_done(struct jobs *jobs);
struct job *jobs_find(const struct jobs *jobs, int64_t number);
/** The job of that number, a fresh one if need be; NULL when out of memory. */
struct job *jobs_take(struct jobs *jobs, int64_t number);
/** Takes a JOB or JOB_LINE in. Returns the job, or NULL when out of memory. */
struct job *jobs_apply(struct jobs *jobs, const struct message *m);
/**
 * Their slotd is gone: jobs that were not done are lost, and say so to whoever follows, unless the
 * next slotd knows better.
 */
void jobs_lose(struct jobs *jobs);
