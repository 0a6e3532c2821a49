#pragma once

/** Steps of the wall clock. */

#include "supervisor.h"

/** Once there is a loop: times that were noted by the wall clock are moved when that is set. */
int clock_init(struct supervisor *sup);
void clock_done(struct supervisor *sup);
