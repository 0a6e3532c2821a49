#pragma once

/** What the files that read [service:x] share. */

#include "load.h"

struct service_making {
	struct loader *l;
	const struct section *section;
	struct service_config *service;
	int index; /* in config->services */
};

/** Does this section make its programs itself (command=)? */
bool service_makes_programs(const struct section *s);
/** Returns the name after "service:"; NULL after adding a message if it is not valid. */
const char *service_name_of(struct loader *l, const struct section *s);
/** Adds an error, at the line of the option or of its section. */
void service_error(struct service_making *m, const char *option, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Adds the error that an option is missing, unless it is misspelled, which is an error of its own.
 */
void service_missing(struct service_making *m, const char *option, const char *sentence);
const struct option_def *service_option(const char *name);
/** Sets the names that can be expanded in the options of a service; slot: SLOT_INVALID_ for none.
 */
void service_names(const struct service_making *m, enum slot_id slot, struct expansions *ret);

/** Warns of commands that do what slotd does. */
void hooks_check(struct service_making *m);
/** Reads what the options of canaries mean; after listen and connect. Returns 0 or -ENOMEM. */
int service_canary(struct service_making *m);
/** Fills both slots with their programs and gives the workers their addresses. */
int service_slots(struct service_making *m);
/** Returns how many workers of the slot have an address. */
unsigned service_port_workers(const struct service_slot_config *s);
