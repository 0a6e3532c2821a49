#pragma once

/** Public sockets of a service. */

#include "service/service.h"

#include <slotd/listen.h>

/** How its public sockets are made. */
struct listen_options service_listen_options(const struct service_config *c);

void sockets_init(struct service *s);
/** One for each configured address that has none yet; not bound. 0 or -ENOMEM. */
int sockets_add(struct service *s);
/** Binds what is not bound; what is taken is noted and tried again. */
void sockets_open(struct service *s);
/** Closes those that the configuration lists no more. */
void sockets_drop(struct service *s);
void sockets_close(struct service *s);

/** Public sockets that are unix sockets. */
void services_look_after(struct supervisor *sup);
