#pragma once

/** Bytes and the lines in them. Pure. */

#include <stddef.h>
#include <stdint.h>

/** Newlines in data. */
uint64_t lines_count(const char *data, size_t n);
/** Bytes up to and with the first newline; 0: there is none. */
size_t lines_first_end(const char *data, size_t n);
/** Bytes up to and with the last newline; 0: there is none. */
size_t lines_last_end(const char *data, size_t n);
/** How many leading bytes a and b have in common. */
size_t lines_common(const char *a, const char *b, size_t n);
