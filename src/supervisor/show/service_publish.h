#pragma once

/** A service as slotd-control sees it. */

#include "link/helpers.h"
#include "service/service.h"

/** Sends a service, its two slots and what its jobs have new; for publish.c. 0 or -errno: not all.
 */
int service_publish(struct service *s, struct helper *control);
