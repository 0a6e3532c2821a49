#pragma once

/** Carries out a rolling restart of a service's live slot: the plans of core/rolling.c. */

#include "deploy/request.h"
#include "service/service.h"

#include <slotd/plan.h>

/** May a rolling restart begin? 0; or -EINVAL with the sentence. */
int roll_check(struct service *s, const struct job_request *req, struct diag *diag);
/** The phase ROLL begins; or goes on after a slotd was killed. Ends in ROLLED or ROLL_FAILED. */
void roll_begin(struct service *s, const struct plan_action *a);
/** The restart is given up: nobody new is taken, and whoever was taken comes back. Ends in ROLLED.
 */
void roll_settle(struct service *s, const struct plan_action *a);
/** How many workers were restarted by now, of how many that take part. */
void roll_numbers(const struct service *s, unsigned *ret_done, unsigned *ret_all);
/** The job has ended: no worker has a part in it any more. */
void roll_over(struct service *s);

/** As an observer of workers: one that is being restarted has got further. */
void roll_process_entered(struct process *p, const struct plan_action *a);
/** As observers of services: a check had a result; a worker has no connections any more. */
void roll_judged(struct service *s);
void roll_worker_drained(struct service *s, uint32_t worker, bool cut, uint64_t n);

/* A part of each service. */
int roll_init_service(struct service *s);
void roll_stop_service(struct service *s);
