#pragma once

/** Which slot of a service is live when it begins. */

#include "service/service.h"

/**
 * Decides it by the state file, else by live_file; or says why it is not known: the service is
 * down then. As a part of a service.
 */
int live_find(struct service *s);
/** Tries again for one that is down. */
void live_reconfigure(struct service *s);
