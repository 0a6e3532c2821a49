#pragma once

/** While the new slot is baked, crashes of its workers are told to core/deploy.c. */

#include "service/service.h"

#include <slotd/plan.h>

/** As a worker's observer: it has changed its state. */
void bake_process_entered(struct process *p, const struct plan_action *a);
