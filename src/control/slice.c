#include "slice.h"

#include <slotd/utf8.h>

#include <slotd/cleanup.h>

#include <string.h>

enum {
	CHAR_REST = 3, /* at most this much of a character can be beyond a cut */
};

static void cap(struct slice *s, off_t size)
{
	if ((uint64_t)s->len > (uint64_t)(size - s->start)) {
		s->len = (size_t)(size - s->start);
	}
}

int slice_read(off_t size, int64_t offset, int64_t length, struct slice *ret)
{
	struct slice s = {0};

	if (length < 0 || (offset < 0 && length != 0)) {
		return -EINVAL;
	}
	if (offset < 0) {
		s.len = offset <= -SLICE_MAX ? SLICE_MAX : (size_t)-offset;
		s.start = (off_t)s.len > size ? 0 : size - (off_t)s.len;
	} else {
		s.start = offset > size ? size : offset;
		s.len = length == 0 || length > SLICE_MAX ? SLICE_MAX : (size_t)length;
	}
	cap(&s, size);
	*ret = s;
	return 0;
}

void slice_tail(off_t size, int64_t offset, int64_t length, struct slice *ret)
{
	struct slice s = {0};
	int64_t end;

	if (__builtin_add_overflow(offset, length, &end)) {
		end = offset < 0 ? INT64_MIN : INT64_MAX;
	}
	s.overflow = size > end;
	if (length > 0 && (s.overflow || offset < size)) {
		s.len = length > SLICE_MAX ? SLICE_MAX : (size_t)length;
	}
	s.start = (off_t)s.len > size ? 0 : size - (off_t)s.len;
	cap(&s, size);
	*ret = s;
}

static ssize_t read_all(int fd, char *buf, size_t len, off_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done, at + (off_t)done);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		if (n == 0) {
			break; /* truncated meanwhile */
		}
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int slice_load(int fd, const struct slice *s, char **ret_data, size_t *ret_len)
{
	auto_free char *buf = malloc(s->len + CHAR_REST + 1);
	unsigned char *bytes = (unsigned char *)buf;
	size_t head, tail, len;
	ssize_t n;

	if (!buf) {
		return -ENOMEM;
	}
	n = s->len ? read_all(fd, buf, s->len + CHAR_REST, s->start) : 0;
	if (n < 0) {
		return (int)n;
	}
	len = (size_t)n < s->len ? (size_t)n : s->len;
	tail = utf8_tail(bytes, len);
	if (tail) {
		int whole = utf8_char(bytes + len - tail, (size_t)n - (len - tail));

		len = whole > 0 ? len - tail + (size_t)whole : whole < 0 ? len - tail : len;
	}
	head = s->start > 0 ? utf8_head(bytes, len) : 0;
	memmove(buf, buf + head, len - head);
	*ret_len = len - head;
	*ret_data = TAKE_PTR(buf);
	return 0;
}
