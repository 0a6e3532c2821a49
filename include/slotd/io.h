#pragma once

/** Blocking reads and writes of files, pipes and sockets: for children, never for a loop. */

#include <slotd/strbuf.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** Writes all of data. Returns 0 or -errno. */
int io_write_all(int fd, const void *data, size_t len);
/** Appends everything up to the end of fd. Returns 0, -errno, or strbuf's error (-ENOMEM,
 * -E2BIG). */
int io_read_all(int fd, struct strbuf *out);
/** Reads the last bytes of a regular file, at most size. Returns their number, or -errno (-EINVAL:
 * it is none). */
ssize_t io_read_tail(int fd, void *buf, size_t size);

/** Has the peer of a stream socket sent something that lies unread? Takes nothing and never waits,
 * so that a loop may ask. */
bool io_has_bytes(int fd);
