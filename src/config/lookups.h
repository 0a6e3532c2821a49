#pragma once

/**
 * Everything in a configuration that another process must look up. The order is always the same for
 * the same configuration, because slotd finds the child's results by their position.
 */

#include <slotd/config.h>

struct owner_lookup {
	struct owner *owner;
	struct config_place place;
	const char *kind, *name, *option; /* "program ", "web", "user" */
	bool as_process; /* a process runs as this user: its groups are needed, too */
	bool helper;	 /* the user nobody may take its place */
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

/** Collects them. Borrows from c. Returns 0 or -ENOMEM. */
int lookups_collect(struct config *c, struct lookups *ret);
void lookups_done(struct lookups *l);
