#pragma once

/** Who could change a file, besides root and a user of ours: asked of files that root is to trust.
 */

#include <slotd/diag.h>

#include <stdbool.h>
#include <sys/stat.h>

enum trust {
	TRUST_OURS,	    /* only root and our user can change it */
	TRUST_IN_DIRECTORY, /* a user or a group can replace it: one of its directories is theirs */
	TRUST_ONE,	    /* a user or a group can write to it */
	TRUST_ANYONE,	    /* everybody can write to it, or replace it */
	TRUST_MAX_,
	TRUST_INVALID_ = -22,
};

/**
 * Judges a file by its owner and mode, and by those of all directories that lead to it: a directory
 * that others may write to is harmless only if it is sticky, as /tmp is. Groups other than root's
 * count as others.
 *
 * @st    of the file itself, as it was opened.
 * @us    the user who is trusted besides root.
 * @diag  if it is not TRUST_OURS, a sentence that says why, with the path at fault.
 */
enum trust trust_file(const char *path, const struct stat *st, uid_t us, struct diag *diag);
/** Judges a file or a directory by its own owner and mode alone. */
enum trust trust_inode(const char *path, const struct stat *st, uid_t us, struct diag *diag);

/** Is the path in memory, as tmpfs and ramfs are? If it is missing, its directory counts. */
bool trust_is_in_memory(const char *path);
