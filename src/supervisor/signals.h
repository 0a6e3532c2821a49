#pragma once

/** The signals that slotd handles. */

#include "supervisor.h"

/** Needs the loop. Returns 0 or -ENOMEM. */
int signals_init(struct supervisor *sup);
void signals_done(struct supervisor *sup);
