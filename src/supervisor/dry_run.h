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
