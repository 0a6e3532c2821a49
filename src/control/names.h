#pragma once

/**
 * Names as callers write them: "group:name", "name" (group and process of one name), and
 * "group:*" or "group:" for a whole group. Split at the first colon.
 */

#include <stdbool.h>
#include <stddef.h>

enum {
	NAMESPEC_PART_MAX = 256,
};

struct namespec {
	char group[NAMESPEC_PART_MAX];
	char process[NAMESPEC_PART_MAX]; /* "" with whole */
	bool whole;			 /* the whole group */
};

/** 0, or -EINVAL when a part is longer than any name can be. */
int namespec_parse(const char *text, struct namespec *ret);

/** "group:name", or "name" where both are the same. Returns buf. */
const char *namespec_format(const char *group, const char *process, char *buf, size_t size);
