#pragma once

/** Between the files that read [service:x]. */

#include "load.h"

struct service_making {
	struct loader *l;
	const struct section *section;
	struct service_config *service;
	int index; /* in config->services */
};

/** Does this section make its programs itself (command=)? */
bool service_makes_programs(const struct section *s);
/** The name after "service:"; NULL when it is none, told. */
const char *service_name_of(struct loader *l, const struct section *s);
/** Points at the option's line, or the section's. */
void service_error(struct service_making *m, const char *option, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** As service_error, for an option that is missing; its typing mistake is an error by itself. */
void service_missing(struct service_making *m, const char *option, const char *sentence);
const struct option_def *service_option(const char *name);
/** Names that can be expanded in a service's options; slot SLOT_INVALID_ for none. */
void service_names(const struct service_making *m, enum slot_id slot, struct expansions *ret);

/** Fills both slots with their programs and gives the workers their addresses. */
int service_slots(struct service_making *m);
/** How many workers of the slot have an address. */
unsigned service_port_workers(const struct service_slot_config *s);
