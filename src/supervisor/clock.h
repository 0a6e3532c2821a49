#pragma once

/** What slotd does when the wall clock is set. */

#include "supervisor.h"

/** From now on, recorded times are adjusted when the wall clock is set. Needs the loop. */
int clock_init(struct supervisor *sup);
void clock_done(struct supervisor *sup);
