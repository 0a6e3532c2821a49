#pragma once

/** Chunked bodies. Pure; bytes may come in any pieces. Source: RFC 9112, 7.1. */

#include "strict.h"

/** The head is complete, and a chunked body follows. */
void strict_chunks(struct strict *s);
/** Reads on in a chunked body and its trailers, at most to the end of a line of these. */
size_t strict_chunked(struct strict *s, const char *data, size_t len, bool *ret_done);
