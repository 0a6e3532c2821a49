#include <slotd/keep.h>

#include <errno.h>
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
