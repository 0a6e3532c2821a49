#pragma once

/** The lines of a job: bounded, numbered, made of what commands print. Pure but for the tail. */

#include <slotd/swap_names.h>
#include <slotd/vec.h>

#include <stddef.h>
#include <stdint.h>

enum {
	JOB_LINES_MAX = 1000, /* the newest are kept */
	JOB_LINE_LEN = 1000,
};

struct job_line {
	uint64_t seq;
	enum swap_step step;
	char *text;
};

struct job_log {
	VEC(struct job_line) lines;
	uint64_t seq;		    /* of the newest */
	char partial[JOB_LINE_LEN]; /* of a line not ended yet */
	size_t n_partial;
};

typedef void job_line_fn(void *data, const char *text);

/** Out of memory, the line is missing. */
void job_log_add(struct job_log *log, enum swap_step step, const char *text);
/** Cuts bytes into lines without control characters; len 0 ends the last one. */
void job_log_feed(struct job_log *log, const char *data, size_t len, job_line_fn *fn, void *arg);
void job_log_done(struct job_log *log);

/** Files of which the first that says anything is shown. */
struct job_tail {
	const char *paths[2];
};
/** For child_run: the last lines of a log file, on fd 1. */
int job_tail_print(void *data);
