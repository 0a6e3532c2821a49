#pragma once

/** Lines of the history that are not written yet, in a memfd that slotd-keep holds, too: should
 * slotd die, the next one writes them. */

#include "supervisor.h"

/** Takes that of a former slotd, or makes one. Returns its descriptor, or -errno. */
int unwritten_open(struct supervisor *sup);
/** A whole line, with its newline. */
void unwritten_add(int fd, const char *line);
/** All are written. */
void unwritten_clear(int fd);
/** Calls fn for each; the line has its newline, and is fn's to free. */
typedef void unwritten_fn(struct supervisor *sup, char *line);
void unwritten_each(struct supervisor *sup, int fd, unwritten_fn *fn);
