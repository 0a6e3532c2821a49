#pragma once

/** The end of slotd: workers, level by level, then the helpers. */

#include "worker/process.h"

#include <slotd/plan.h>

/** Once there is a loop. */
int shutdown_init(struct supervisor *sup);
/** Stops all workers, level by level, then the helpers; restart: slotd then executes itself. */
void supervisor_shutdown(struct supervisor *sup, enum mood mood);
/** As a worker's observer: it may be the last of its level. */
void shutdown_process_entered(struct process *p, const struct plan_action *a);
void shutdown_done(struct supervisor *sup);
