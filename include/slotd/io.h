#pragma once

/** Reading and writing what blocks, a file, a pipe or a socket: for children, never in a loop. */

#include <slotd/strbuf.h>

#include <stddef.h>

/** All of it, however many writes that takes. 0 or -errno. */
int io_write_all(int fd, const void *data, size_t len);
/** Appends all that comes until the end. 0, -errno, or strbuf's error (-ENOMEM, -E2BIG). */
int io_read_all(int fd, struct strbuf *out);
