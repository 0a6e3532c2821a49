#pragma once

/** Names of processes as people write and read them. */

#include <stddef.h>

/** "group:process", cut at the first colon; process NULL: the whole group. */
struct namespec {
	char *group;
	char *process;
};

int namespec_parse(struct namespec *n, const char *text);
void namespec_done(struct namespec *n);
/** "name" where group and process share it, else "group:name". Returns buf. */
const char *namespec_format(const char *group, const char *name, char *buf, size_t size);

enum {
	NAMESPEC_MAX = 1024,
};
