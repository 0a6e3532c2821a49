#pragma once

/** slotd's command line: Supervisor's options and some more, which override the configuration. */

#include <slotd/config.h>

#include <stdbool.h>

struct options {
	const char *config_path; /* NULL: default places */
	struct config_overrides overrides;
	bool foreground;
	bool test, strict, help_config;
	const char *takeover_test; /* the file that runs; only tell whether to take over from it */
};

/**
 * Reads the command line.
 *
 * Returns: -1 if slotd shall start; or the exit status: 0 after --help and --version, 2 after an
 *          error, which was printed.
 */
int options_read(int argc, char **argv, struct options *ret);
