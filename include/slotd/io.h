#pragma once

/** Writing to a file, a pipe or a socket that blocks: for children, never in a loop. */

#include <stddef.h>

/** All of it, however many writes that takes. 0 or -errno. */
int io_write_all(int fd, const void *data, size_t len);
