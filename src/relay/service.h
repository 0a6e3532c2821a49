#pragma once

/** A service here: its beginning and end, and clients that are held. */

#include "relay_service.h"

/** Makes a service. Returns 0 or -ENOMEM. */
int service_new(struct relay *relay, uint32_t index, const char *name, struct relay_service **ret);
/** Gives the service a preview, or ends it. Returns 0 or -ENOMEM. */
int service_want_preview(struct relay_service *s, bool want);
/** Closes its listeners, closes its connections in the next turns, then frees it. */
void service_end(struct relay_service *s);
/** Does all of that at once. Returns NULL. */
struct relay_service *service_free(struct relay_service *s);
