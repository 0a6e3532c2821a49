#pragma once

/**
 * verify is repeated while the phase of a deploy says so. A run that passes says nothing; one that
 * fails is DEPLOY_EV_FAILING, with the end of what it printed.
 */

#include "service/service.h"

#include <slotd/plan.h>

/** A part of a service: 0. */
int reverify_init(struct service *s);
void reverify_done(struct service *s);
/** PLAN_VERIFY_AT: sets the time of the next run. */
void reverify_at(struct service *s, const struct plan_action *a);
/** PLAN_VERIFY: begins a run, which ends in VERIFIED or FAILING; or ends the one that runs. */
void reverify_run(struct service *s, const struct plan_action *a);
