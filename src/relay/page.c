#include "page.h"

#include <slotd/handoff.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct page *page_new(const char *type, const char *body, size_t len)
{
	struct page *p = malloc(sizeof(*p) + len);

	if (p) {
		p->users = 1;
		p->len = len;
		(void)snprintf(p->type, sizeof(p->type), "%s", type);
		if (body) {
			memcpy(p->body, body, len);
		}
	}
	return p;
}

struct page *page_unref(struct page *p)
{
	if (p && --p->users == 0) {
		free(p);
	}
	return NULL;
}

int page_read(int fd, const char *type, struct page **ret)
{
	struct stat st;
	struct page *p;
	size_t n = 0;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if (st.st_size < 0 || st.st_size > OFFLINE_PAGE_MAX) {
		return -E2BIG;
	}
	p = page_new(type, NULL, (size_t)st.st_size);
	while (p && n < p->len) {
		ssize_t r = pread(fd, p->body + n, p->len - n, (off_t)n);

		if (r <= 0) {
			page_unref(p);
			return r < 0 ? -errno : -EIO;
		}
		n += (size_t)r;
	}
	*ret = p;
	return p ? 0 : -ENOMEM;
}
