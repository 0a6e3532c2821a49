#pragma once

/** The end of slotd. */

#include "worker/process.h"

#include <slotd/plan.h>

/** Needs the loop. */
int shutdown_init(struct supervisor *sup);
/** Stops all workers, priority by priority, then the helpers. In a restart slotd then executes
 * itself. */
void supervisor_shutdown(struct supervisor *sup, enum mood mood);
/** As an observer of workers: p may be the last of its priority. */
void shutdown_process_entered(struct process *p, const struct plan_action *a);
void shutdown_done(struct supervisor *sup);
