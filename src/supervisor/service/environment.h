#pragma once

/** The environment that commands of a service get. */

#include "service/service.h"

#include <slotd/spawn.h>

/**
 * The environment of a command that works for a slot: its first worker's, and SLOTD_SERVICE,
 * SLOTD_SLOT, SLOTD_LIVE_SLOT, SLOTD_PORTS, SLOTD_RELEASE.
 */
int slot_environment(const struct service *s, enum slot_id slot, const struct process *worker,
		     struct env *env);
