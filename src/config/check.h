#pragma once

/** What can only be seen when all is read. */

#include "loader.h"

/** Checks for addresses and names that are used twice. */
int load_cross_checks(struct loader *l);
