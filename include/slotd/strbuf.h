#pragma once

/** A growing string with an upper bound. Once an append failed, it stays failed (sticky). */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *data; /* NUL-terminated when not NULL */
	size_t len, size;
	size_t max; /* 0: STRBUF_MAX */
	int error;  /* 0, -ENOMEM or -E2BIG */
};

#define STRBUF_MAX ((size_t)64 << 20)

/** Frees the text and clears the error; max stays. Harmless when zeroed. */
void strbuf_done(struct strbuf *sb);
/** Empties it, keeps the memory, clears the error. */
void strbuf_reset(struct strbuf *sb);
/* Appends. 0, -ENOMEM, or -E2BIG beyond max; then the text is what it was before. */
int strbuf_add(struct strbuf *sb, const void *data, size_t len);
int strbuf_addc(struct strbuf *sb, char c);
int strbuf_adds(struct strbuf *sb, const char *s);
int strbuf_addf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
/** The text, "" when empty; borrowed until the next change. */
const char *strbuf_str(const struct strbuf *sb);
/** Hands the text over to the caller, who frees it; NULL when it failed or is empty. */
char *strbuf_take(struct strbuf *sb);
