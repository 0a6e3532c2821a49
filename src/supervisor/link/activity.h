#pragma once

/** Helpers that hang are found, without waking an idle machine. */

#include "supervisor.h"

/** Once there is a loop. 0 or -ENOMEM. */
int activity_init(struct supervisor *sup);
/** What comes to this descriptor is a helper's work. Borrows it. */
void activity_watch(struct supervisor *sup, int fd);
/** SIGCHLD: a helper may have been stopped. */
void activity_child(struct supervisor *sup);
void activity_done(struct supervisor *sup);
