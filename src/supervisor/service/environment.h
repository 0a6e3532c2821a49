#pragma once

/**
 * The environment of commands of a service. It tells them as whom they run: HOME, USER, LOGNAME and
 * SHELL, also where slotd itself was started without these, as by systemd.
 */

#include "service/service.h"

#include <slotd/spawn.h>

/**
 * Makes the environment of a command for a slot: that of its worker, with SLOTD_SERVICE,
 * SLOTD_SLOT, SLOTD_LIVE_SLOT, SLOTD_PORTS and SLOTD_RELEASE.
 */
int slot_environment(const struct service *s, enum slot_id slot, const struct process *worker,
		     struct env *env);

/** Looks up the user that slotd was started as, which may take a while. Returns 0 or -ENOMEM. */
int environment_init(struct supervisor *sup);
void environment_done(struct supervisor *sup);
