#pragma once

/** Helpers that hang are found, without waking an idle machine. */

#include "supervisor.h"

/**
 * Is a client in the middle of something, which comes to no descriptor of slotd's? Given as
 * sup->work_goes_on by the wiring.
 */
typedef bool work_goes_on_fn(const struct supervisor *sup);
/** Once there is a loop. 0 or -ENOMEM. */
int activity_init(struct supervisor *sup);
/** What comes to this descriptor is a helper's work. Borrows it. */
void activity_watch(struct supervisor *sup, int fd);
/** SIGCHLD: a helper may have been stopped. */
void activity_child(struct supervisor *sup);
void activity_done(struct supervisor *sup);
