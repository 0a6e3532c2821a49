#pragma once

/** What "group:name", "group:*" and "all" stand for. */

#include "worker/process.h"

struct group *group_find(struct supervisor *sup, const char *name);
/** "group:name" or "name" (both the same). NULL when there is none. */
struct process *process_find(struct supervisor *sup, const char *namespec);

/** What a name in a command stands for. */
struct selection {
	VEC(struct process *) processes; /* in ascending priority */
	bool many;			 /* a group or all: answered with items */
};
/** "all", "group:*", "group:", "group:name", "name". 0 or -ENOENT, -ENOMEM. */
int selection_make(struct supervisor *sup, const char *name, struct selection *ret);
void selection_done(struct selection *s);
