#pragma once

/** The pid file. */

#include "supervisor.h"

int pidfile_init(struct supervisor *sup);
/** A former run's is overwritten; what is no regular file is left alone. Failures are logged. */
void pidfile_write(struct supervisor *sup);
void pidfile_look_after(struct supervisor *sup);
/** Removes it if it is still the one written, with our pid in it. */
void pidfile_remove(struct supervisor *sup);
