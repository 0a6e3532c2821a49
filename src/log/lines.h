#pragma once

/** Finds lines in bytes. Pure. */

#include <stddef.h>
#include <stdint.h>

/** Returns the number of newlines. */
uint64_t lines_count(const char *data, size_t n);
/** Returns the number of bytes up to and including the first newline; 0 if there is none. */
size_t lines_first_end(const char *data, size_t n);
/** Returns the number of bytes up to and including the last newline; 0 if there is none. */
size_t lines_last_end(const char *data, size_t n);
/** Returns how many of the first n bytes of a and b are equal, up to the first difference. */
size_t lines_common(const char *a, const char *b, size_t n);
