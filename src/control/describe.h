#pragma once

/** What people read about a worker: Supervisor's words. */

#include "mirror.h"

/** "RUNNING"; "UNKNOWN" for a number that is none. */
const char *worker_statename(int64_t state);

/**
 * getProcessInfo's description: "pid 7, uptime 0:00:09", "Nov 21 06:58 AM", the spawn error, "".
 *
 * @now  wall clock, microseconds.
 * Returns: buf.
 */
const char *worker_description(const struct mirror_worker *w, uint64_t now, char *buf, size_t size);

/** How its last process ended: "exit status 3", "terminated by SIGTERM"; "" if none has. */
const char *worker_last_exit(const struct mirror_worker *w, char *buf, size_t size);
