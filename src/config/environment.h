#pragma once

/** The text of environment=. */

#include "loader.h"

/**
 * Reads an environment= by its own rules; that of [supervisord] is expanded twice, as by
 * Supervisor.
 *
 * @warn  warn of what the rules drop.
 * @ret   set if 1 is returned; the caller ends it by keyvalues_done.
 * Returns: as loader_text.
 */
int loader_environment(struct loader *l, const struct section *s, const struct option_def *def,
		       const struct expansions *with, bool warn, struct keyvalues *ret);
