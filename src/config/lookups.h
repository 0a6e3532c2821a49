#pragma once

/**
 * Everything in a configuration that another process must look up, in an order that is the same
 * for the same configuration: results travel from the child to slotd by their place in it.
 */

#include <slotd/config.h>

struct owner_lookup {
	struct owner *owner;
	struct config_place place;
	const char *kind, *name, *option; /* "program ", "web", "user" */
	bool as_process; /* a process runs as it: primary and supplementary groups are wanted */
	bool helper;	 /* nobody will do */
};

struct host_lookup {
	char **address;
	struct config_place place;
	const char *kind, *name, *option;
};

struct log_lookup {
	struct log_config *log;
	struct config_place place;
	const char *kind, *name, *option;
};

struct lookups {
	VEC(struct owner_lookup) owners;
	VEC(struct host_lookup) hosts; /* every address, also a numeric one */
	VEC(struct log_lookup) logs;   /* every one that has a path */
};

/** 0 or -ENOMEM. Borrows from c. */
int lookups_collect(struct config *c, struct lookups *ret);
void lookups_done(struct lookups *l);
