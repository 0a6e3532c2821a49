#pragma once

/**
 * What the commands of a deploy say of it: the name of the release (release_command=), and by a
 * file that SLOTD_RESULT names that there is no way back (prepare=).
 *
 * The file lies in a directory of the job alone, run_dir/results/SERVICE-NUMBER, which belongs to
 * the user of the commands. It is read and removed by a child with that user's rights, so no link
 * leads it to what that user cannot reach, and a disk or FUSE that hangs holds up only the child.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct supervisor;

enum {
	RESULT_SIZE_MAX = 4096, /* bytes of the file that are read */
};

/**
 * Makes the directory of a job, empty, for that user ((uid_t)-1: slotd's own).
 *
 * @path  gets the path of the file, which does not exist.
 * Returns: 0 or -errno.
 */
int result_make(const struct supervisor *sup, const char *service, unsigned number, uid_t uid,
		gid_t gid, char path[static PATH_MAX]);
/** Writes the path of the directory of a job. Returns path. */
const char *result_directory(const struct supervisor *sup, const char *service, unsigned number,
			     char path[static PATH_MAX]);
/** Removes the directory of a job, which result_print has emptied. Harmless if there is none. */
void result_remove(const struct supervisor *sup, const char *service, unsigned number);
/**
 * For child_run, as the user of the directory: prints the file on fd 1 and empties the directory.
 *
 * @data  the path of the directory.
 * Returns: the exit status: 0, also without a file; 1, with a sentence on fd 1, if the file is not
 *          to be trusted or cannot be read.
 */
int result_print(void *data);

/* ---- pure parts */

/**
 * Copies a line that somebody else wrote: without blanks at both ends, with '?' for what is not
 * printable, cut at a character to what fits. Returns buf.
 */
const char *result_line(const char *text, char *buf, size_t size);
/**
 * Looks for "rollback=no REASON" in the file.
 *
 * @why      gets the reason, or a standing one if there is none.
 * @unknown  gets the first line that means nothing, or "".
 * Returns: is there such a line?
 */
bool result_is_one_way(const char *text, char *why, size_t why_size, char *unknown,
		       size_t unknown_size);
