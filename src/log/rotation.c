#include "rotation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static uint64_t left(uint64_t limit, uint64_t size)
{
	return size < limit ? limit - size : 0;
}

size_t rotation_split(const struct rotation *r, uint64_t size, const char *data, size_t n,
		      bool *ret_full)
{
	const char *newline = NULL;
	uint64_t room, hard;
	size_t end;

	*ret_full = false;
	if (r->maxbytes == 0 || size + n < r->maxbytes) {
		return n;
	}
	room = left(r->maxbytes, size);
	room -= room > 0; /* a line that ends exactly at maxbytes fills the file, too */
	hard = left(r->maxbytes + ROTATION_SLACK, size);
	end = n < hard ? n : (size_t)hard;
	if (room < end) {
		newline = memchr(data + room, '\n', end - room);
	}
	*ret_full = newline || end == hard;
	return newline ? (size_t)(newline - data) + 1 : end;
}

int rotation_name(const char *path, unsigned i, char *buf, size_t size)
{
	int n = i ? snprintf(buf, size, "%s.%u", path, i) : snprintf(buf, size, "%s", path);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
