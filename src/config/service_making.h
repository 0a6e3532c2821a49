#pragma once

/** A service while it is made: what the files that read [service:x] share. */

#include "loader.h"

struct service_making {
	struct loader *l;
	const struct section *section;
	struct service_config *service;
	int index; /* in config->services */
};

/** Adds an error, at the line of the option or of its section. */
void service_error(struct service_making *m, const char *option, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Adds the error that an option is missing, unless it is misspelled, which is an error of its own.
 */
void service_missing(struct service_making *m, const char *option, const char *sentence);
/** Returns the row of an option of [service:x]; NULL: there is none. */
const struct option_def *service_option(const char *name);
/** Sets the names that can be expanded in the options of a service; slot: SLOT_INVALID_ for none.
 */
void service_names(const struct service_making *m, enum slot_id slot, struct expansions *ret);
