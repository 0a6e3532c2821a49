#pragma once

/** Finds helpers that hang, without waking an idle machine. */

#include "supervisor.h"

/** Needs the loop. Returns 0 or -ENOMEM. */
int activity_init(struct supervisor *sup);
/** What arrives at this descriptor is work for a helper. Borrows it. */
void activity_watch(struct supervisor *sup, int fd);
/** SIGCHLD: a helper may have been stopped. */
void activity_child(struct supervisor *sup);
void activity_done(struct supervisor *sup);
