#include "utf8.h"

/* By first byte: how long, and the range of the second (Unicode, table 3-7). */
static int shape(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	return c < 0x80		       ? 1
	       : c >= 0xc2 && c < 0xe0 ? 2
	       : c >= 0xe0 && c < 0xf0 ? 3
	       : c >= 0xf0 && c < 0xf5 ? 4
				       : 0;
}

int utf8_char(const unsigned char *p, size_t len)
{
	unsigned char low, high;
	int n;

	if (!len) {
		return -1;
	}
	n = shape(p[0], &low, &high);
	for (int i = 1; i < n; i++) {
		if ((size_t)i == len) {
			return -1;
		}
		if (p[i] < low || p[i] > high) {
			return 0;
		}
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

size_t utf8_head(const unsigned char *p, size_t len)
{
	size_t n = 0;

	while (n < len && n < 3 && (p[n] & 0xc0) == 0x80) {
		n++;
	}
	return n;
}

size_t utf8_tail(const unsigned char *p, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		if (utf8_char(p + len - back, back) < 0) {
			return back;
		}
		if ((p[len - back] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return 0;
}
