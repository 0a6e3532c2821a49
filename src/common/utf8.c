#include <slotd/strbuf.h>
#include <slotd/utf8.h>

#include <string.h>

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

char *utf8_mend(char *text)
{
	size_t left = strlen(text);

	for (char *at = text; left;) {
		const int n = utf8_char((const unsigned char *)at, left);

		if (n < 0) {
			*at = '\0';
			break;
		}
		if (n == 0) {
			*at = '?';
		}
		at += n ? n : 1;
		left -= n ? (size_t)n : 1;
	}
	return text;
}

bool utf8_valid(const char *data, size_t len, size_t *ret_characters)
{
	size_t characters = 0;

	for (size_t i = 0; i < len; characters++) {
		int n = utf8_char((const unsigned char *)data + i, len - i);

		if (n <= 0) {
			return false;
		}
		i += (size_t)n;
	}
	if (ret_characters) {
		*ret_characters = characters;
	}
	return true;
}

/* As Python shows bytes that are no UTF-8. */
static void add_undecodable(struct strbuf *sb, const unsigned char *data, size_t len)
{
	(void)strbuf_adds(sb, "Undecodable: b'");
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n') {
			(void)strbuf_adds(sb, "\\n");
		} else if (data[i] < 0x20 || data[i] >= 0x7f) {
			(void)strbuf_addf(sb, "\\x%02x", data[i]);
		} else {
			(void)strbuf_addf(sb, data[i] == '\'' || data[i] == '\\' ? "\\%c" : "%c",
					  data[i]);
		}
	}
	(void)strbuf_adds(sb, "'");
}

int utf8_add(struct strbuf *sb, const char *data, size_t len)
{
	if (utf8_valid(data, len, NULL)) {
		(void)strbuf_add(sb, data, len);
	} else {
		add_undecodable(sb, (const unsigned char *)data, len);
	}
	return sb->error;
}

void utf8_add_escaped(struct strbuf *sb, const void *data, size_t len, utf8_instead_fn *instead)
{
	const unsigned char *p = data, *plain = p, *end;

	if (len == 0) {
		return; /* data may be NULL */
	}
	end = p + len;
	while (p < end) {
		int n = utf8_char(p, (size_t)(end - p));
		const char *other = n > 0 ? instead(p, n) : UTF8_REPLACEMENT;

		n = n <= 0 ? 1 : n;
		if (other) {
			(void)strbuf_add(sb, plain, (size_t)(p - plain));
			(void)strbuf_adds(sb, other);
			plain = p + n;
		}
		p += n;
	}
	(void)strbuf_add(sb, plain, (size_t)(p - plain));
}
