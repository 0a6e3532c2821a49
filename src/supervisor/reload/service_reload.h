#pragma once

/** A reload of services. */

#include "service/service.h"

/**
 * A reload in two steps. prepare checks what the next configuration has of services and binds new
 * addresses; nothing changes for anybody. -errno and why not (removing a live slot's program
 * without force is -EBUSY). Then commit, which cannot fail and after which no service points into
 * the old configuration, or abandon.
 */
int services_reload_prepare(struct supervisor *sup, struct config *next, bool force,
			    struct diag *diag);
void services_reload_commit(struct supervisor *sup, struct config *next);
void services_reload_abandon(struct supervisor *sup);
