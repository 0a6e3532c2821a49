#pragma once

/** The pid file. */

#include "supervisor.h"

int pidfile_init(struct supervisor *sup);
/** Writes the pid file, also over that of a former run; leaves alone what is not a regular file.
 * Failures are logged. */
void pidfile_write(struct supervisor *sup);
void pidfile_look_after(struct supervisor *sup);
/** Removes the pid file if it is still the one that this run has written. */
void pidfile_remove(struct supervisor *sup);
