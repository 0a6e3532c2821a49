#pragma once

/** The pipes of workers of a slotd that was killed. */

#include "supervisor.h"

/** Takes them back, for workers_adopt. Returns 0 or -errno. */
int streams_adopt(struct supervisor *sup);
