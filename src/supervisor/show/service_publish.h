#pragma once

/** A service as slotd-control sees it. */

#include "link/helpers.h"
#include "service/service.h"

/** Sends a service and its two slots as messages; for publish.c. */
void service_publish(struct service *s, struct helper *control);
