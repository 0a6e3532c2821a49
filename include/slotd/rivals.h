#pragma once

/**
 * Other supervisors that are alive: two of them with the same programs fight for their ports.
 * Looked for by what they would share with us. For start-up and for slotctl; not for the loop.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct rival {
	pid_t pid;
	const char *name; /* "supervisord" or "slotd" */
};

/** The supervisor whose process id stands in this file. */
bool rival_by_pidfile(const char *path, struct rival *ret);

/** The supervisor that made this unix socket and listens on it. A connection is opened for it. */
bool rival_by_socket(const char *path, struct rival *ret);

/**
 * The supervisord that was started with this configuration file, by its command line; without -c,
 * by the places where it looks.
 */
bool rival_by_config(const char *file, struct rival *ret);

/**
 * Which file was supervisord started with?
 *
 * @args  its command line: words, each with a NUL after it.
 * Returns: the file as given; "" when none was given; NULL when this is no supervisord.
 */
const char *rival_config_argument(const char *args, size_t len);
