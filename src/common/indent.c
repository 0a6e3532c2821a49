#include <slotd/indent.h>

#include <ctype.h>
#include <string.h>

/* *column is 1 more than the bytes of text in the line; 0: none is begun. */

static size_t begin_line(uint32_t *column, char *out)
{
	const size_t n = strlen(INDENT_PREFIX);

	memcpy(out, INDENT_PREFIX, n);
	*column = 1;
	return n;
}

size_t indent_run(uint32_t *column, const char *in, size_t n, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		char c = in[i];

		if (c == '\r') {
			continue;
		}
		if (c != '\n' && *column > INDENT_LINE_MAX) {
			used += indent_end(column, out + used);
		}
		if (!*column) {
			used += begin_line(column, out + used);
		}
		if (c == '\n') {
			used += indent_end(column, out + used);
			continue;
		}
		out[used++] = (char)(iscntrl((unsigned char)c) && c != '\t' ? '?' : c);
		++*column;
	}
	return used;
}

size_t indent_end(uint32_t *column, char *out)
{
	const size_t n = *column > 0;

	if (n) {
		*out = '\n';
	}
	*column = 0;
	return n;
}
