#pragma once

/** What a slotd that is killed leaves unwritten: lines of the history, in a memfd that slotd-keep
 * holds, too, so that the next one writes them; and a record, with the child that goes on writing
 * it. */

#include "supervisor.h"

/** Takes that of a former slotd, or makes one. Returns its descriptor, or -errno. */
int unwritten_open(struct supervisor *sup);
/** Waits for that child of a former slotd, and ends it if it takes too long. */
void unwritten_await(struct supervisor *sup);
/** A whole line, with its newline. */
void unwritten_add(int fd, const char *line);
/** All are written. */
void unwritten_clear(int fd);
/** Calls fn for each; the line has its newline, and is fn's to free. */
typedef void unwritten_fn(struct supervisor *sup, char *line);
void unwritten_each(struct supervisor *sup, int fd, unwritten_fn *fn);
