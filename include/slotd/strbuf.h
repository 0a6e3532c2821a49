#pragma once

/** A growing string with an upper bound. Once an append has failed, all further appends fail. */

#include <stdarg.h>
#include <stddef.h>

struct strbuf {
	char *data; /* NUL-terminated when not NULL */
	size_t len, size;
	size_t max; /* 0: STRBUF_MAX */
	int error;  /* 0, -ENOMEM or -E2BIG */
};

#define STRBUF_MAX ((size_t)64 << 20)

/** Frees the text and clears the error; max stays. Accepts a zeroed strbuf. */
void strbuf_done(struct strbuf *sb);
/** Empties the text and clears the error; keeps the memory. */
void strbuf_reset(struct strbuf *sb);
/* These append. They return 0, -ENOMEM or -E2BIG (beyond max), and change nothing on error. */
int strbuf_add(struct strbuf *sb, const void *data, size_t len);
int strbuf_addc(struct strbuf *sb, char c);
int strbuf_adds(struct strbuf *sb, const char *s);
int strbuf_addf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
/** Returns the text, "" if it is empty; borrowed until the next change. */
const char *strbuf_str(const struct strbuf *sb);
/** Hands the text over to the caller, who frees it; returns NULL if an append failed or it is
 * empty. */
char *strbuf_take(struct strbuf *sb);
