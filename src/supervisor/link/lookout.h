#pragma once

/** Names of sockets and of the pid file, which are created again when they go away. */

#include "supervisor.h"

#include <slotd/ownname.h>

/** Creates again those of its names that are missing, and calls lookout_watch for the others. */
typedef void look_after_fn(struct supervisor *sup);

/** sup->look_after has a function for each owner. Returns 0 or -errno. */
int lookout_init(struct supervisor *sup);
void lookout_done(struct supervisor *sup);
/** Calls every owner's X_look_after at the end of this turn, because its names have changed. */
void lookout_look(struct supervisor *sup);
/** Within look_after: watches a name that exists, for the moment it goes away. Borrows n. */
void lookout_watch(struct supervisor *sup, const struct own_name *n);
/** Removes the name, unless what it stands for is another slotd's again. */
void lookout_let_go(struct supervisor *sup, struct own_name *n);
/** Within look_after: n could not be created again, which is logged once and tried again. */
void lookout_failed(struct supervisor *sup, struct own_name *n, const struct diag *diag);
/** Within look_after: n has been created again, which is logged. */
void lookout_made(struct own_name *n);
