#pragma once

/** Public sockets of a service. */

#include "service/service.h"

#include <slotd/listen.h>
#include <slotd/ownname.h>

/** How its public sockets are made. */
struct listen_options service_listen_options(const struct service_config *c);

/** As a part of a service: one for each configured address. */
int sockets_init(struct service *s);
/** Closes those that the configuration lists no more; its new ones are not bound yet. */
void sockets_reconfigure(struct service *s);
/** Binds what is not bound; what is taken is noted and tried again. */
void sockets_open(struct service *s);
void sockets_close(struct service *s);

/** One that a reload has bound before it changes anything: open takes it. */
struct ready_socket {
	const char *service, *address; /* of the next configuration */
	int fd;
	struct own_name name;
	struct public_socket *moves; /* it was another service's; NULL: it is new */
};
/** sup->ready_sockets, of service_reload.c; NULL: no reload is about to be done. */
struct ready_sockets {
	VEC(struct ready_socket) all;
};

/** Public sockets that are unix sockets. */
void services_look_after(struct supervisor *sup);
