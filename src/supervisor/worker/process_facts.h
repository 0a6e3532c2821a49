#pragma once

/** What is true of a process, by its state and its configuration. */

#include "worker/process.h"

/** Returns the name of the service that has its program in a slot; NULL: none. */
const char *process_service_name(const struct process *p);
/** Has p no process, nor any in its process group, and will it get none by itself? */
bool process_ended(const struct process *p);
/** Has p a process, or is one being created? */
bool process_exists(const struct process *p);
/** Has p something to stop, or is it being stopped only to be started again? */
bool process_may_be_stopped(const struct process *p);
/** Is the rest of its process group killed when it has ended, and waited for? Nothing of it may
 * have a port or a lock when the next one starts. */
bool process_ends_with_group(const struct process *p);
/** Is it a worker without an address that runs in the live slot only? */
bool process_follows_flip(const struct process *p);
/** Is it a worker without an address that starts with its slot, live or not? */
bool process_goes_with_slot(const struct process *p);
/**
 * Returns the process because of which p must not start now: both are exclusive, in different slots
 * of a service or because a reload has removed the other, and the other has not ended. NULL: none.
 */
const struct process *process_rival(const struct process *p);
