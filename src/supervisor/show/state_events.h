#pragma once

/** The events that states of workers and services cause. */

#include "service/service.h"

#include <slotd/plan.h>

/** As an observer of workers; a is a PLAN_STATE action. */
void events_process_state(struct process *p, const struct plan_action *a);
/** As an observer of services. */
void events_service_maintained(struct service *s, enum maintenance_act act);
/** As an observer of services; a is a PLAN_FINISH action. */
void events_service_ended(struct service *s, const struct plan_action *a);
/** As an observer of services: the share of the slot that is not live has changed. */
void events_service_shared(struct service *s);
