#pragma once

/** Groups. */

#include "loader.h"

/** Adds a group of one program. */
int load_lone_group(struct loader *l, struct program_config *p, int priority);
/** Reads [group:x], then every program in no group, listeners and fcgi-programs. */
int load_groups(struct loader *l);
/** Sorts the groups, checks for duplicates and sets their workers, when all groups are known. */
int load_finish_groups(struct loader *l);
