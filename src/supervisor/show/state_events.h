#pragma once

/** The events that states of workers and services cause. */

#include "service/service.h"

#include <slotd/plan.h>

/** As a worker's observer: a PLAN_STATE action of its plan. */
void events_process_state(struct process *p, const struct plan_action *a);
/** As a service's observer: a PLAN_FINISH action of its plan. */
void events_service_ended(struct service *s, const struct plan_action *a);
