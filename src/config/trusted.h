#pragma once

/** What slotd is to trust: its files, commands that run as root, and secrets of workers. */

#include <slotd/config.h>

/**
 * Adds messages about what somebody else could change, after users are looked up.
 *
 * Of a slotd of root, a configuration file that anybody can write or replace is an error. One that
 * a user or a group other than root can write is an error in a configuration that was written for
 * slotd, and a warning in one of Supervisor, which does not mind. If only a directory is
 * somebody's, that is a warning, as for sudo and cron, which judge the file alone: a root that
 * tries slotd out of somebody's checkout runs programs of that directory anyhow. A command of that
 * kind which runs as root is a warning, too.
 */
void check_trust(struct config *c);
