#pragma once

/** The available configuration as slotd-control shows it. */

#include <slotd/config.h>

/** getAllConfigInfo's struct of one process as JSON; the caller frees it. NULL: no memory. */
char *config_json(const struct worker_config *w, const struct group_config *g);
