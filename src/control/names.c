#include "names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int namespec_parse(const char *text, struct namespec *ret)
{
	const char *colon = strchr(text, ':');
	const char *process = colon ? colon + 1 : text;
	size_t group_len = colon ? (size_t)(colon - text) : strlen(text);

	if (group_len >= sizeof(ret->group) || strlen(process) >= sizeof(ret->process)) {
		return -EINVAL;
	}
	memcpy(ret->group, text, group_len);
	ret->group[group_len] = '\0';
	ret->whole = colon && (!*process || strcmp(process, "*") == 0);
	(void)snprintf(ret->process, sizeof(ret->process), "%s", ret->whole ? "" : process);
	return 0;
}

const char *namespec_format(const char *group, const char *process, char *buf, size_t size)
{
	if (strcmp(group, process) == 0) {
		(void)snprintf(buf, size, "%s", process);
	} else {
		(void)snprintf(buf, size, "%s:%s", group, process);
	}
	return buf;
}
