#pragma once

/**
 * What a deploy would do, without doing anything of it: slotctl deploy --dry-run.
 *
 * slotd writes what it knows; a child looks at the disk and at ports, since both may take their
 * time (dry_run_look.c). The answer is the lines of both, and the exit status that slotctl has.
 */

#include "deploy/request.h"

/**
 * Begins, and answers the request later, by ANSWER_ITEMs and ANSWER.
 *
 * Returns: 0; -ENOENT, -EACCES, -EBUSY or another -errno with a sentence: then it is not answered.
 */
int dry_run_begin(struct supervisor *sup, const struct job_request *req, uint32_t request,
		  struct diag *diag);
/** Ends what is under way without an answer: slotd ends, or slotd-control was lost, whose successor
 * counts its requests anew. */
void dry_runs_done(struct supervisor *sup);

/* ---- in the child ---- */

/** An address of the idle slot's workers. */
struct dry_run_port {
	const char *address;
	const char *name; /* of the worker */
	int pid;	  /* of the worker that has it now; 0: it does not run */
};

struct dry_run_look {
	const char *directory; /* NULL: none */
	uint64_t min_free;     /* bytes; 0: it does not matter */
	const struct dry_run_port *ports;
	size_t n_ports;
};

/**
 * For child_run: prints a line for the disk, and one for each port, on fd 1. A line with '!' at its
 * beginning says what would make the deploy fail.
 */
int dry_run_look(void *data);
