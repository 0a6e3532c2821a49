#pragma once

/**
 * How connections reach a service's workers, as this room asks for it: sup->handoff, given by the
 * wiring. Nobody here calls a handoff by its name.
 */

#include "service/service.h"

struct handoff_ops {
	/** A service or its settings are to be known; whatever was told of its workers is void. */
	void (*service)(struct service *s);
	void (*service_gone)(struct service *s);
	void (*socket)(struct service *s, const struct public_socket *socket);
	/** Its queue is still taken. */
	void (*socket_gone)(struct service *s, const struct public_socket *socket);
	/** Workers came, or are up or down by now: what changed is told. */
	void (*workers)(struct service *s);
	/** It is told once more, changed or not: where it was refused, it is tried again at once.
	 */
	void (*worker_again)(const struct process *p);
	void (*worker_gone)(struct service *s, const struct process *p);
};
