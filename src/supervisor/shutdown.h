#pragma once

/** The end of slotd: workers, level by level, then the helpers. */

#include "supervisor.h"

/** Once there is a loop. */
void shutdown_init(struct supervisor *sup);
/** Stops all workers, level by level, then the helpers; restart: slotd then executes itself. */
void supervisor_shutdown(struct supervisor *sup, enum mood mood);
void shutdown_done(struct supervisor *sup);
