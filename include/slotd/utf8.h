#pragma once

/**
 * Bytes that should be UTF-8 (RFC 3629) but may be anything: output of workers, names in requests.
 */

#include <stdbool.h>
#include <stddef.h>

struct strbuf;

/**
 * Finds the length of the character at p.
 *
 * Returns: 1..4; 0 if the bytes are not a character (also for surrogates, overlong forms and beyond
 *          U+10FFFF); -1 if the end cuts the character.
 */
int utf8_char(const unsigned char *p, size_t len);

/** Returns how many bytes at the start are the rest of a character that began before: 0..3. */
size_t utf8_head(const unsigned char *p, size_t len);

/** Returns how many bytes at the end are the beginning of an incomplete character: 0..3. */
size_t utf8_tail(const unsigned char *p, size_t len);

/** Is data valid UTF-8? If so, *ret_characters is set; it may be NULL. */
bool utf8_valid(const char *data, size_t len, size_t *ret_characters);

/**
 * Makes UTF-8 of a text in place: a byte that belongs to no character becomes '?', and a character
 * that the end cuts is left out. Returns text.
 */
char *utf8_mend(char *text);

/** Appends data; if it is not UTF-8, as Supervisor shows it: "Undecodable: b'\x88\n'". Returns 0 or
 * -errno. */
int utf8_add(struct strbuf *sb, const char *data, size_t len);

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/** What stands for the character of n bytes at p; NULL: itself. */
typedef const char *utf8_instead_fn(const unsigned char *p, int n);
/** Appends data as instead wants it, and U+FFFD for each byte that belongs to no character. A
 * failure sticks in sb. */
void utf8_add_escaped(struct strbuf *sb, const void *data, size_t len, utf8_instead_fn *instead);
