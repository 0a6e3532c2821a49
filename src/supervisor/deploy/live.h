#pragma once

/** Which slot of a service is live when slotd starts. */

#include "service/service.h"

/**
 * As a part of a service: decides which slot is live, by the state file, else by live_file. If it
 * cannot, it says why, and the service is down.
 */
int live_find(struct service *s);
/** Tries again for a service that is down. */
void live_reconfigure(struct service *s);
