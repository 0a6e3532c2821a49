#pragma once

/** From a path to a checked configuration (slotd/config.h), also from a text. */

#include <slotd/config.h>

/** Like config_load, but from a text, and without following [include]. */
int config_load_text(const char *name, const char *text, size_t len,
		     const struct config_overrides *overrides, struct diag *diag,
		     struct config **ret);
