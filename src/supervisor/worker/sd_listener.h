#pragma once

/**
 * The socket at which workers with health=notify say how they are. It is made for the first of
 * them, and outlives slotd.
 */

#include "worker/process.h"

#include <slotd/spawn.h>

int sd_listener_init(struct supervisor *sup);
void sd_listener_done(struct supervisor *sup);

/**
 * Adds to the environment of a worker that is about to start where it finds the socket, and how
 * often it shall send WATCHDOG=1, if its service has health=notify; p->health says so.
 *
 * Returns: 0, or -errno and a sentence.
 */
int sd_listener_environment(struct process *p, struct env *env, struct diag *diag);
/** Hears what has been sent by now. */
void sd_listener_receive(struct supervisor *sup);
/** After a slotd was killed: takes the socket over, or makes it for the workers that have it. */
void sd_listener_adopt(struct supervisor *sup);
/** Its name may have gone away. */
void sd_listener_look_after(struct supervisor *sup);
/** As an observer of workers: one whose words came before slotd knew it may be known by now. */
void sd_listener_process_changed(struct process *p);
