#pragma once

/** Where characters begin and end in bytes that should be UTF-8 but may be anything. */

#include <stddef.h>

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
