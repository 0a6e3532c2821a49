#pragma once

/**
 * Finds other supervisors that are running: two supervisors of the same programs compete for their
 * ports. They are found by what they would share with slotd. For start-up and for slotctl; not for
 * the loop.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct rival {
	pid_t pid;
	const char *name; /* "supervisord" or "slotd" */
};

/** Finds the supervisor whose process id is in this file. */
bool rival_by_pidfile(const char *path, struct rival *ret);

/** Finds the supervisor that has created this unix socket and listens on it, by connecting to it.
 */
bool rival_by_socket(const char *path, struct rival *ret);

/**
 * Finds the supervisord that was started with this configuration file, by its command line; if that
 * has no -c, by the places where supervisord looks.
 */
bool rival_by_config(const char *file, struct rival *ret);

/**
 * With which configuration file was supervisord started?
 *
 * @args  its command line: words, each followed by a NUL.
 * Returns: the file as given; "" if none was given; NULL if this is not a supervisord.
 */
const char *rival_config_argument(const char *args, size_t len);
