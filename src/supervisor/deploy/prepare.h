#pragma once

/** The prepare commands, and the environment commands get. */

#include "service/service.h"

#include <slotd/spawn.h>

void prepare_start(struct service *s);
void prepare_stop(struct service *s);
/**
 * The environment of a command that works for a slot: its first worker's, and SLOTD_SERVICE,
 * SLOTD_SLOT, SLOTD_LIVE_SLOT, SLOTD_PORTS, SLOTD_RELEASE.
 */
int prepare_environment(const struct service *s, enum slot_id slot, const struct process *worker,
			struct env *env);
