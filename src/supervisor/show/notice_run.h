#pragma once

/** One run of a notify= command: what the configuration says of it, its start, and how it ended. */

#include "show/notice_store.h"
#include "supervisor.h"

#include <slotd/child.h>
#include <slotd/config.h>

enum {
	NOTICE_OUTPUT_MAX = 1024, /* of what a command prints */
	NOTICE_OUTCOME_MAX = NOTICE_OUTPUT_MAX + 512,
};

struct notice_terms {
	const char *command; /* NULL: nobody is told */
	char *const *on;     /* names of events; NULL: all */
	usec_t timeout;
	const struct owner *user; /* NULL: that of the worker */
};

struct notice_run {
	struct child child;
	char said[NOTICE_OUTPUT_MAX];
	size_t n_said;
};

/** What holds now. name: of a service; "" for programs that are of none. What it points at is
 * borrowed from the configuration. */
struct notice_terms notice_terms_for(const struct supervisor *sup, const char *name);
/**
 * Runs the command with a notice, which is borrowed, on its standard input. made may be NULL.
 * Returns 0; -ESRCH: nobody knows any more as whom it should run; or another -errno.
 */
int notice_run_start(struct supervisor *sup, const char *name, struct notice_run *d,
		     const struct notice *n, child_done_fn *done, child_made_fn *made);
/** Writes "exit status 3; it printed: ..." with the first line, fit for a terminal. Returns whether
 * it ended well. */
bool notice_run_outcome(const struct notice_run *d, const struct child_result *result, char *buf,
			size_t size);
