#pragma once

/** The environment of commands of a service. */

#include "service/service.h"

#include <slotd/spawn.h>

/**
 * Makes the environment of a command for a slot: that of its worker, with SLOTD_SERVICE,
 * SLOTD_SLOT, SLOTD_LIVE_SLOT, SLOTD_PORTS and SLOTD_RELEASE.
 */
int slot_environment(const struct service *s, enum slot_id slot, const struct process *worker,
		     struct env *env);
