#pragma once

/**
 * The files that say who is live, written by a short-lived child: beside the real one, fsync,
 * rename, fsync of the directory. A crash at any moment leaves the old content or the new.
 */

#include <stdbool.h>

/** Everything absolute; NULL: not wanted. Owned. */
struct record_files {
	bool repair; /* say so when live_path does not hold live_text */
	bool commit; /* else only write beside: that reserves the room for the real thing */
	char *state_path, *state_text;
	char *live_path;
	char live_text[3]; /* "a\n" */
	char *link_path, *link_target;
	char *history_path, *history_line; /* appended */
};

/**
 * For child_run. What went wrong, or was found changed by hand, is said on fd 1.
 *
 * @data  struct record_files.
 * Returns: exit status, 0 when everything was written.
 */
int record_files_write(void *data);
void record_files_done(struct record_files *f);
