#pragma once

/** The configuration as slotd-control shows it. */

#include <slotd/config.h>

/** Returns the struct of a process in getAllConfigInfo, as JSON, which the caller frees; NULL if
 * there is no memory. */
char *config_json(const struct worker_config *w, const struct group_config *g);
