#pragma once

/** What the state file says. */

#include "deploy/record_text.h"

/** Returns 0; -ENOENT if there is no record; -EUCLEAN and diag if it is damaged. */
int records_find(struct supervisor *sup, const char *service, struct record *ret,
		 struct diag *diag);
/**
 * Calls fn for each job that was running when the state file was last written. The object has job,
 * kind, who and release, and of a slotd of now to and began.
 */
typedef void record_job_fn(struct supervisor *sup, const char *service, const struct json_t *job);
void records_running_jobs(struct supervisor *sup, record_job_fn *fn);
/** Returns up to when the runs of a worker are accounted for (seconds since the epoch), as the
 * state file said when slotd started; 0: it did not. */
int64_t records_schedule(struct supervisor *sup, const char *namespec);
