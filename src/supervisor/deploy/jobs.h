#pragma once

/** Who may begin, abort or hurry a deploy, swap or rollback, and what slotd-control is told of it.
 */

#include "deploy/job.h"
#include "deploy/request.h"
#include "link/helpers.h"

/** Job number (> 0), or a negative errno with the sentence: -EBUSY, -ENOENT, -EACCES, -EINVAL. */
int job_begin(struct supervisor *sup, const struct job_request *req, struct diag *diag);
/** Ends the service's running job before its flip. 0 or as above. */
int job_abort(struct supervisor *sup, const struct job_request *req, struct diag *diag);

/** May p be started or stopped by hand now? -EBUSY and which deploy uses it; 0. */
int service_may_change(const struct process *p, struct diag *diag);
/** The log of a job of that service, NULL: there is none that is known. Returns buf. */
const char *job_log_find(struct supervisor *sup, const char *service, uint64_t number, char *buf,
			 size_t size);
/** "payinv: deploy #112 by ana is in "gate" for 41 s. ..." Returns buf. */
const char *job_describe(const struct job *j, char *buf, size_t size);
/** Sends what control has not had of this service's jobs (NULL: of those whose service was
 * removed). 0 or -errno: not all. */
int jobs_publish(struct supervisor *sup, const struct service *s, struct helper *control);
/** slotd-control is to have all of them once more. */
void jobs_tell_again(struct supervisor *sup);
/** The service goes: its jobs are over, and so told. */
void jobs_forget(struct service *s);
/** A job of a former slotd, which is over; the rest is the caller's to fill in. NULL: no memory. */
struct job *job_former(struct supervisor *sup);
void jobs_done(struct supervisor *sup);
/** That of a service with that number, or NULL. */
struct job *job_find(struct supervisor *sup, const char *service, uint64_t number);
/** Goes on with the log of one that a former slotd had begun. */
void job_adopt_log(struct job *j);
/** Those of a former slotd that are over are told to have ended when their logs are written. */
void jobs_await_logs(struct supervisor *sup);
