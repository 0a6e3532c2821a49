#pragma once

/** The commands of announce=, which tell people, or a proxy, of a pause or an outage. */

#include "service/service.h"

/**
 * Starts them, as the user of the live slot's workers. If they cannot be started, take longer than
 * announce_timeout or fail, that is logged.
 *
 * @what, who, why  SLOTD_ANNOUNCE, SLOTD_WHO, SLOTD_WHY; what is kept, and must be static.
 * @then            called when they have ended, never from inside this function.
 * Returns:         false if there are none, or they cannot be started: then is not called.
 */
bool announce_start(struct service *s, const char *what, const char *who, const char *why,
		    announced_fn *then);
/** Ends those of a slotd that was killed: what they announced has not been done. */
void announce_end_former(struct service *s);
/** Ends them, if they run: then is not called. */
void announce_stop(struct service *s);
