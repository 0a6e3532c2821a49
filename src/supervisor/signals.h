#pragma once

/** What signals mean to slotd. */

#include "supervisor.h"

/** Once there is a loop. 0 or -ENOMEM. */
int signals_init(struct supervisor *sup);
void signals_done(struct supervisor *sup);
