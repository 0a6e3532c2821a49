#pragma once

/**
 * Bytes that should be UTF-8 (RFC 3629) but may be anything: output of workers, names in requests.
 */

#include <stdbool.h>
#include <stddef.h>

struct strbuf;

/**
 * Length of the character at p.
 *
 * Returns: 1..4; 0 when the bytes are none (also surrogates, overlong forms, beyond U+10FFFF);
 *          -1 when they begin one that is cut by the end.
 */
int utf8_char(const unsigned char *p, size_t len);

/** How many bytes at the start are the rest of a character that began before: 0..3. */
size_t utf8_head(const unsigned char *p, size_t len);

/** How many bytes at the end begin a character that is not complete: 0..3. */
size_t utf8_tail(const unsigned char *p, size_t len);

/** *ret_characters (may be NULL) is set when it is. */
bool utf8_valid(const char *data, size_t len, size_t *ret_characters);

/** Appends it; what is not UTF-8 as Supervisor shows it: "Undecodable: b'\x88\n'". 0 or -errno. */
int utf8_add(struct strbuf *sb, const char *data, size_t len);
