#pragma once

/** Watches the new slot during the bake, and as a canary, and tells core/deploy.c when it fails. */

#include "service/service.h"

#include <slotd/plan.h>

/** As an observer of workers: p has changed its state. */
void bake_process_entered(struct process *p, const struct plan_action *a);
/** As an observer of services: a check had a result. Do enough workers of the new slot pass? */
void bake_judged(struct service *s);
/** The timer of the bake has expired. */
void bake_over(struct service *s);
