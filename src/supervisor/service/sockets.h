#pragma once

/** Public sockets of a service. */

#include "service/service.h"

#include <slotd/listen.h>
#include <slotd/ownname.h>

/** Returns the options of its public sockets. */
struct listen_options service_listen_options(const struct service_config *c);

/** As a part of a service: makes a socket for each configured address. */
int sockets_init(struct service *s);
/** Closes sockets that the configuration no longer lists; does not bind new ones yet. */
void sockets_reconfigure(struct service *s);
/** Binds the sockets that are not bound; an address that is taken is tried again later. */
void sockets_open(struct service *s);
void sockets_close(struct service *s);

/** A socket that a reload has bound before it changes anything; sockets_open takes it. */
struct ready_socket {
	const char *service, *address; /* of the next configuration */
	int fd;
	struct own_name name;
	struct public_socket *moves; /* the socket of another service that it was; NULL: new */
};
/** sup->ready_sockets of service_reload.c; NULL: no reload is being applied. */
struct ready_sockets {
	VEC(struct ready_socket) all;
};

/** Public sockets that are unix sockets. */
void services_look_after(struct supervisor *sup);
