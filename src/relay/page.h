#pragma once

/** What a service answers while it is offline; it stays while some client has not got all of it. */

#include "answer.h"

#include <stddef.h>

struct page {
	unsigned users;
	size_t len;
	char type[ANSWER_TYPE_MAX];
	char body[];
};

/** Makes one; body NULL: it is filled by the caller. Returns NULL without memory. */
struct page *page_new(const char *type, const char *body, size_t len);
/** Reads the page that is answered. Returns 0, -E2BIG, -ENOMEM or another -errno of reading. */
int page_read(int fd, const char *type, struct page **ret);
/** Returns NULL. Harmless for NULL. */
struct page *page_unref(struct page *p);
