#pragma once

/** SLOTD_PREVIEW of the commands of verify: an address that reaches the slot they look at. */

#include "service/environment.h"
#include "service/service.h"

/**
 * Is there such an address? There is none where the slot is live already, listen= does not reach
 * workers now, and these want a PROXY header.
 */
bool preview_is_there(const struct service *s);
/** Does SLOTD_PREVIEW name a public address now: after the flip, of a service that is neither
 * offline nor paused? */
bool preview_is_public(const struct service *s);
/** Sets it where it is not what preview_listen says. worker may be NULL. Returns 0 or -ENOMEM. */
int preview_name(const struct service *s, const struct process *worker, struct env *env);
