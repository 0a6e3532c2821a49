#pragma once

/** The two slots of a service: their programs, and where their workers are. */

#include "service_making.h"

/** Fills both slots with their programs and gives the workers their addresses. */
int service_slots(struct service_making *m);
/** Returns how many workers of the slot have an address. */
unsigned service_port_workers(const struct service_slot_config *s);
