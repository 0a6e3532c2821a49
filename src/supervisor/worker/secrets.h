#pragma once

/** The directories of workers with credential= (slotd/credentials.h):
 * run_dir/credentials/GROUP:NAME.
 */

#include "worker/process.h"

#include <slotd/plan.h>

#include <limits.h>

/**
 * Names the directory of a worker about to start and makes the one above it. Without credential= it
 * does nothing.
 *
 * @dir     becomes the path; "" if there is no credential=.
 * Returns: 0; or -errno and a sentence.
 */
int secrets_prepare(const struct process *p, char dir[static PATH_MAX], struct diag *diag);

/** An observer's: removes the secrets of a worker that has no process any more. */
void secrets_process_entered(struct process *p, const struct plan_action *a);
/** A step of the start: removes what a former slotd has left, except of workers that run on. */
int secrets_sweep(struct supervisor *sup, struct diag *diag);
