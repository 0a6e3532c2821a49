#pragma once

/** A reload of services. */

#include "service/service.h"

/**
 * A reload of services has two steps. prepare checks the services of the next configuration and
 * binds new addresses, and changes nothing else; it returns 0, or -errno and diag (-EBUSY if the
 * program of a live slot would be removed without force). Then follows either commit, which cannot
 * fail, and after which no service points to the old configuration, or abandon.
 */
int services_reload_prepare(struct supervisor *sup, struct config *next, bool force,
			    struct diag *diag);
void services_reload_commit(struct supervisor *sup, struct config *next);
void services_reload_abandon(struct supervisor *sup);
