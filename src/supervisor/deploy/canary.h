#pragma once

/** Carries out what the plan of a canary or an A/B test says, and watches a canary's requests. */

#include "service/service.h"

#include <slotd/plan.h>

/** PLAN_SHARE: gives the canary its share, and watches it from here on. */
void canary_share(struct service *s, const struct plan_action *a);
/** PLAN_STAND: gives the slot its share of an A/B test, and records that. */
void canary_stand(struct service *s, const struct plan_action *a);
/** The timer of a canary's step has expired. */
void canary_step_over(struct service *s);

/** As a part of a service. */
int canary_init(struct service *s);
void canary_done(struct service *s);
