#pragma once

/** A relay that outlived its slotd knows what there was then. */

#include "link/helpers.h"

/** Tells it what there is no more: services, addresses, workers. After it was told what there is.
 */
void relays_forget_former(struct helper *h);
