#include <slotd/cleanup.h>
#include <slotd/strbuf.h>

#include <string.h>

void strbuf_done(struct strbuf *sb)
{
	free(sb->data);
	*sb = (struct strbuf){.max = sb->max};
}

void strbuf_reset(struct strbuf *sb)
{
	sb->len = 0;
	sb->error = 0;
	if (sb->data) {
		sb->data[0] = '\0';
	}
}

static int reserve(struct strbuf *sb, size_t more)
{
	size_t max = sb->max ? sb->max : STRBUF_MAX, size = sb->size ? sb->size : 64;
	char *p;

	if (sb->error) {
		return sb->error;
	}
	if (more >= max || sb->len + more >= max) {
		return sb->error = -E2BIG;
	}
	while (size <= sb->len + more) {
		size *= 2;
	}
	if (size == sb->size) {
		return 0;
	}
	p = realloc(sb->data, size);
	if (!p) {
		return sb->error = -ENOMEM;
	}
	sb->data = p;
	sb->size = size;
	return 0;
}

int strbuf_add(struct strbuf *sb, const void *data, size_t len)
{
	int r = reserve(sb, len);

	if (r < 0) {
		return r;
	}
	if (len) {
		memcpy(sb->data + sb->len, data, len);
	}
	sb->len += len;
	sb->data[sb->len] = '\0';
	return 0;
}

int strbuf_addc(struct strbuf *sb, char c)
{
	return strbuf_add(sb, &c, 1);
}

int strbuf_adds(struct strbuf *sb, const char *s)
{
	return strbuf_add(sb, s, strlen(s));
}

int strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
{
	size_t room = sb->size - sb->len;
	va_list copy;
	int n, r;

	va_copy(copy, ap);
	n = vsnprintf(room ? sb->data + sb->len : NULL, room, fmt, copy);
	va_end(copy);
	if (n < 0) {
		return sb->error = -EINVAL;
	}
	r = reserve(sb, (size_t)n);
	if (r < 0) {
		if (sb->data) {
			sb->data[sb->len] = '\0';
		}
		return r;
	}
	if ((size_t)n >= room) {
		(void)vsnprintf(sb->data + sb->len, (size_t)n + 1, fmt, ap);
	}
	sb->len += (size_t)n;
	return 0;
}

int strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = strbuf_vaddf(sb, fmt, ap);
	va_end(ap);
	return r;
}

const char *strbuf_str(const struct strbuf *sb)
{
	return sb->data ? sb->data : "";
}

char *strbuf_take(struct strbuf *sb)
{
	char *p = sb->error ? NULL : TAKE_PTR(sb->data);

	strbuf_done(sb);
	return p;
}
