#pragma once

/** Names of sockets and the pid file: made again when they went away. */

#include "supervisor.h"

#include <slotd/ownname.h>

/** Makes again what it owns and is missing, and has the rest watched: by lookout_watch. */
typedef void look_after_fn(struct supervisor *sup);

/** The owners are sup->look_after, NULL at the end. 0 or -errno. */
int lookout_init(struct supervisor *sup);
void lookout_done(struct supervisor *sup);
/** At the end of this turn every owner's X_look_after runs: it has other names than before. */
void lookout_look(struct supervisor *sup);
/** Within look_after, for a name that stands: wakes us when it goes. Borrows n. */
void lookout_watch(struct supervisor *sup, const struct own_name *n);
/** Within look_after: it could not be made again. Said once; tried again. */
void lookout_failed(struct supervisor *sup, struct own_name *n, const struct diag *diag);
/** It could; said. */
void lookout_made(struct own_name *n);
