#include <slotd/keep.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int keep_tags_add(char tags[KEEP_TAGS_MAX], const char *tag)
{
	size_t used = strlen(tags), len = strlen(tag);

	if (used + len + 2 > KEEP_TAGS_MAX) {
		return -ENOSPC;
	}
	memcpy(tags + used, tag, len);
	memcpy(tags + used + len, "\n", 2);
	return 0;
}

int keep_tags_find(const char *tags, const char *tag)
{
	const size_t len = strlen(tag);

	for (int i = 0; *tags; i++) {
		size_t n = strcspn(tags, "\n");

		if (n == len && memcmp(tags, tag, len) == 0) {
			return i;
		}
		tags += n + (tags[n] == '\n');
	}
	return -ENOENT;
}

int64_t keep_tags_number(const char *tags, unsigned place, const char *prefix)
{
	const size_t len = strlen(prefix);
	char *end;
	long n;

	for (unsigned i = 0; i < place && *tags; i++) {
		size_t tag = strcspn(tags, "\n");

		tags += tag + (tags[tag] == '\n');
	}
	if (strncmp(tags, prefix, len) != 0) {
		return -ENOENT;
	}
	n = strtol(tags + len, &end, 10);
	return end != tags + len && (*end == '\n' || !*end) && n >= 0 ? n : -ENOENT;
}
