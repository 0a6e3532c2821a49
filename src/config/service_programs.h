#pragma once

/** The programs that a [service:x] with command= makes itself. */

#include "loader.h"

/** Does this section make its programs itself (command=)? */
bool service_makes_programs(const struct section *s);
/** Returns the name after "service:"; NULL after adding a message if it is not valid. */
const char *service_name_of(struct loader *l, const struct section *s);
/** Makes the programs of [service:x] sections that have a command; before load_finish_groups. */
int load_service_programs(struct loader *l);
