#pragma once

/**
 * Tells people: makes notices (slotd/notice.h) of what happens, each of which is a line of JSON for
 * the notify= command (show/notice_queue.h).
 */

#include "deploy/request.h"
#include "service/service.h"

#include <slotd/notice.h>
#include <slotd/plan.h>

/** Something has happened to a service, told by a sentence. */
void notices_service(struct service *s, enum notice_event event, const char *text);

/* As observers of services and workers. */
void notices_job_began(struct service *s, const struct job *j);
void notices_job_ended(struct service *s, const struct job *j);
void notices_drain_cut(struct service *s, enum slot_id slot, uint64_t n);
void notices_canary_old(struct service *s, const char *text);
void notices_no_room(struct service *s, const char *text);
void notices_process_entered(struct process *p, const struct plan_action *a);
void notices_output_lost(struct process *p, int error);

/**
 * Runs the command of a service with a test. Whoever asked by the message `id` is answered when it
 * has ended. Returns 0; or -errno with the sentence, and the caller answers.
 */
int notices_test(struct supervisor *sup, const struct job_request *req, uint32_t id,
		 struct diag *diag);
