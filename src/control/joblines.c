#include "joblines.h"

#include <string.h>

enum {
	TAGS = 126, /* and 127 is no file's */
	AT_BITS = 24,
};

unsigned joblines_tag(ino_t ino)
{
	return (unsigned)(ino % TAGS) + 1;
}

int32_t joblines_place(unsigned tag, off_t at)
{
	return (int32_t)(tag << AT_BITS | (unsigned)at);
}

bool joblines_where(int64_t place, unsigned *ret_tag, off_t *ret_at)
{
	if (place < 0 || place >> AT_BITS > TAGS || (place && place <= JOBLINES_FILE_MAX)) {
		return false;
	}
	*ret_tag = (unsigned)(place >> AT_BITS);
	*ret_at = place & JOBLINES_FILE_MAX;
	return true;
}

size_t joblines_cut(const char *piece, size_t n, bool last, unsigned max, joblines_fn *fn,
		    void *data)
{
	size_t at = 0;

	for (unsigned i = 0; i < max && at < n; i++) {
		const char *newline = memchr(piece + at, '\n', n - at);
		size_t len = newline ? (size_t)(newline - piece) - at : n - at;

		if (!newline && !last) {
			break;
		}
		fn(data, piece + at, len, at + len + (newline != NULL));
		at += len + (newline != NULL);
	}
	return at;
}
