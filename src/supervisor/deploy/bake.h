#pragma once

/** Tells core/deploy.c of crashes in the new slot during the bake. */

#include "service/service.h"

#include <slotd/plan.h>

/** As an observer of workers: p has changed its state. */
void bake_process_entered(struct process *p, const struct plan_action *a);
