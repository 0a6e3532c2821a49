#pragma once

/** [include]. */

#include "loader.h"

/** Follows [include]. */
int load_includes(struct loader *l);
