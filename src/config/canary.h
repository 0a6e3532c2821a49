#pragma once

/** What the options of canaries mean, and whether they can work. */

#include "service_making.h"

/** Reads what the options of canaries mean; after listen and connect. Returns 0 or -ENOMEM. */
int service_canary(struct service_making *m);
