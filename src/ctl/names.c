#include "names.h"

#include <errno.h>
#include <slotd/cleanup.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int namespec_parse(struct namespec *n, const char *text)
{
	const char *colon = strchr(text, ':');
	CLEANUP(namespec_done) struct namespec made = {0};
	bool whole = colon && (colon[1] == '\0' || strcmp(colon, ":*") == 0);

	made.group = colon ? strndup(text, (size_t)(colon - text)) : strdup(text);
	made.process = whole ? NULL : strdup(colon ? colon + 1 : text);
	if (!made.group || (!whole && !made.process)) {
		return -ENOMEM;
	}
	*n = made;
	made = (struct namespec){0};
	return 0;
}

void namespec_done(struct namespec *n)
{
	free(n->group);
	free(n->process);
	*n = (struct namespec){0};
}

const char *namespec_format(const char *group, const char *name, char *buf, size_t size)
{
	if (strcmp(group, name) == 0) {
		(void)snprintf(buf, size, "%s", name);
	} else {
		(void)snprintf(buf, size, "%s:%s", group, name);
	}
	return buf;
}
