#pragma once

/** What is done with log files in a child (child_run's function), for disks may hang. */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	JOB_LOGS_KEPT = 30, /* of a service */
};

/** Files of which the first that says anything is shown. */
struct job_tail {
	const char *paths[2];
};
/** The last lines of a log file, on fd 1. */
int job_tail_print(void *data);

/** A job that begins: its log is new, and the oldest logs of its service go, and what its former
 * jobs have left in directories for results. */
struct job_tidy {
	const char *dir, *service;
	unsigned number;	/* of the job */
	char results[PATH_MAX]; /* where results of former jobs may have been left (result.h) */
};
int job_tidy(void *data);

/** Which command of a script was the last that a job's log has. */
struct job_trace {
	const char *script;
	const char *path; /* of the log */
};
/** "LINE COMMAND" on fd 1; nothing where the log does not tell. */
int job_trace_print(void *data);

/* ---- pure parts */

/** Is file the name of a log of that service ("web-12.log"), and of which job? */
bool job_log_number(const char *file, const char *service, unsigned *ret_number);

/** How far a shell (sh -v) has come in its script: it prints each line as it reads it. */
struct script_trace {
	const char *script, *next; /* what it will print next; borrowed */
	char command[160];	   /* the last line it printed that says something */
	unsigned number;	   /* of that line; 0: none yet */
	unsigned n_lines;	   /* printed so far */
	bool torn;		   /* the beginning of its output is gone: lines may be missing */
};
/** Is there more in this line of a script than blanks and a comment? */
bool script_line_says(const char *line, size_t len);
/** A whole line of its output, without the newline. */
void script_trace_line(struct script_trace *t, const char *line, size_t len);
