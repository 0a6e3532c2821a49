#pragma once

/**
 * The files that say which slot is live. A short-lived child writes each one beside the old file,
 * calls fsync, renames it and calls fsync for the directory. A crash at any moment leaves either
 * the old content or the new.
 */

#include <stdbool.h>
#include <stdint.h>

/** All paths are absolute and owned; NULL: not to be written. */
struct record_files {
	bool repair; /* say so if live_path did not hold live_text */
	bool commit; /* false: only write beside, which reserves the space on the disk */
	char *state_path, *state_text;
	char *live_path;
	char live_text[3]; /* "a\n" */
	char *link_path, *link_target;
	char *history_path, *history_line; /* appended, whole or not at all */
	bool history_again;		   /* unless it is there: somebody has tried it before */
	char *room_path; /* the file system in which room_min bytes must be free */
	uint64_t room_min;
};

enum {
	RECORD_NO_ROOM = 2, /* exit status: the files could be written, but there is less room */
};

/**
 * For child_run. It says on descriptor 1 what failed, and what was changed by hand and corrected.
 *
 * @data  struct record_files.
 * Returns: the exit status, 0 if everything was written.
 */
int record_files_write(void *data);
void record_files_done(struct record_files *f);
/** Is that text among the last lines of a history? It reads the disk. */
bool record_files_have_line(const char *path, const char *wanted);
