#include "strict_chunks.h"

#include "strict_parts.h"

#include <ctype.h>

void strict_chunks(struct strict *s)
{
	s->state = SIZE_FIRST;
	s->chunk = 0;
}

static int hex_digit(unsigned char c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

static void size_char(struct strict *s, unsigned char c)
{
	const int digit = hex_digit(c);

	if (digit >= 0 && s->chunk >> 56 == 0) {
		s->chunk = s->chunk * 16 + (uint64_t)digit;
		s->state = SIZE;
	} else if (c == '\r' && s->state == SIZE) {
		s->state = SIZE_FEED;
	} else {
		strict_refuse(s, "a chunk's size that is not a number");
	}
}

static void size_ended(struct strict *s)
{
	s->state = CHUNK;
	if (s->chunk == 0) {
		s->trailers = true;
		s->n_head = 0;
		s->state = FIELD_FIRST;
	}
}

static void expect(struct strict *s, unsigned char c, unsigned char wanted, enum state then)
{
	s->state = (uint8_t)then;
	if (c != wanted) {
		strict_refuse(s, "a chunk that does not end where it should");
	}
}

static void chunk_char(struct strict *s, unsigned char c)
{
	switch (s->state) {
	case SIZE_FIRST:
	case SIZE:
		size_char(s, c);
		break;
	case SIZE_FEED:
		expect(s, c, '\n', CHUNK);
		size_ended(s);
		break;
	case CHUNK_RETURN:
		expect(s, c, '\r', CHUNK_FEED);
		break;
	default: /* CHUNK_FEED */
		expect(s, c, '\n', SIZE_FIRST);
		break;
	}
}

size_t strict_chunked(struct strict *s, const char *data, size_t len, bool *ret_done)
{
	size_t i = 0;

	*ret_done = false;
	while (i < len && !s->why) {
		if (s->trailers) {
			return i + strict_head(s, data + i, len - i, ret_done);
		}
		if (s->state != CHUNK) {
			chunk_char(s, (unsigned char)data[i++]);
		} else if (len - i < s->chunk) {
			s->chunk -= len - i;
			return len;
		} else {
			i += (size_t)s->chunk;
			s->chunk = 0;
			s->state = CHUNK_RETURN;
		}
	}
	return len;
}
