#include "lines.h"

#include <string.h>

uint64_t lines_count(const char *data, size_t n)
{
	const char *end = data + n;
	uint64_t count = 0;

	while (data < end && (data = memchr(data, '\n', (size_t)(end - data)))) {
		data++;
		count++;
	}
	return count;
}

size_t lines_first_end(const char *data, size_t n)
{
	const char *newline = n ? memchr(data, '\n', n) : NULL;

	return newline ? (size_t)(newline - data) + 1 : 0;
}

size_t lines_last_end(const char *data, size_t n)
{
	const char *newline = n ? memrchr(data, '\n', n) : NULL;

	return newline ? (size_t)(newline - data) + 1 : 0;
}

size_t lines_common(const char *a, const char *b, size_t n)
{
	size_t i = 0;

	while (i < n && a[i] == b[i]) {
		i++;
	}
	return i;
}
