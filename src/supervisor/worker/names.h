#pragma once

/** What "group:name", "group:*" and "all" stand for. */

#include "worker/process.h"

/** Returns the group of that name; NULL: there is none. */
struct group *group_find(struct supervisor *sup, const char *name);
/** Finds a process by "group:name", or by "name" if both are the same. Returns NULL if there is
 * none. */
struct process *process_find(struct supervisor *sup, const char *namespec);

/** The processes that a name in a command stands for. */
struct selection {
	VEC(struct process *) processes; /* in ascending priority */
	bool many;			 /* a group or all was named: answered with items */
};
/** Finds the processes of "all", "group:*", "group:", "group:name" or "name". Returns 0, -ENOENT or
 * -ENOMEM. */
int selection_make(struct supervisor *sup, const char *name, struct selection *ret);
void selection_done(struct selection *s);
