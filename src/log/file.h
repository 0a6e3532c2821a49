#pragma once

/**
 * Log files. Streams that write to the same file share one object: one descriptor appends the lines
 * of all of them, and the file is rotated once.
 *
 * Files are opened for appending. The size is asked for before each chunk, because others
 * (logrotate's copytruncate, a person) may change it. What cannot be written is lost, and the
 * caller counts it; after a failure nothing is written for FILE_PAUSE_US, then the next bytes are
 * tried.
 */

#include "rotation.h"

#include <slotd/loop.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct special;

enum {
	FILE_PAUSE_US = 1000000,
	FILE_LOOK_US = 1000000,	   /* between two looks at a path */
	FILE_TORN_MAX = 64 * 1024, /* how far back the start of a torn line is looked for */
	FILE_BUCKETS = 1024,
};

struct file_owner {
	mode_t mode; /* of a new file; (mode_t)-1: 0666 less the umask */
	uid_t uid;   /* of a new file; (uid_t)-1: not changed; gid likewise */
	gid_t gid;
	bool late; /* created when the first byte is written, or when a client asks for the log */
};

struct log_file {
	struct log_file *next,
		**link; /* in the list of all files; the pointer that points to this one */
	struct log_file *next_in_bucket;
	char *path;    /* of a file that is created late: not resolved until it is opened */
	uint32_t hash; /* of the path with which the object was made */
	int fd;	       /* -EBADF: it could not be opened, or is created late */
	unsigned users;
	dev_t dev;
	ino_t ino;		 /* 0: not a regular file */
	ino_t special_ino;	 /* of a special target */
	struct special *special; /* a target that is no regular file */
	struct rotation rotation;
	struct file_owner owner;
	bool given;	    /* slotd passed a descriptor: slotd-log neither opens nor rotates it */
	bool reopen;	    /* it is to be opened again where the current line ends */
	bool gone_told;	    /* it was reported that the path leads elsewhere and cannot be opened */
	usec_t look_at;	    /* the path is not looked at before */
	bool shift_told;    /* a failed rotation was reported */
	usec_t shift_after; /* it is not rotated before */
	usec_t retry_at;    /* nothing is written before; 0: writing works */
	uint64_t lost_lines, lost_bytes; /* since it stopped working */
};

struct files {
	struct log_file *head;
	struct log_file *buckets[FILE_BUCKETS];
};

/**
 * Returns the object for path with one more user. A new object opens its file, unless that is to be
 * created late.
 *
 * @fd   a descriptor to use instead of opening path; -EBADF: none. Takes it.
 * @ret  also set when the file of a new object could not be opened: file_open tries again.
 * Returns: 0; -ENAMETOOLONG or -ENOMEM with *ret NULL; another -errno of opening the file.
 */
int files_get(struct files *files, const char *path, int fd, const struct rotation *rotation,
	      const struct file_owner *owner, struct log_file **ret);
/** Finds the object by its path. NULL if there is none. */
struct log_file *files_find(struct files *files, const char *path);
/** Finds the object of a pipe, socket or terminal by its inode. NULL if there is none. */
struct log_file *files_find_special(struct files *files, dev_t dev, ino_t ino);
/** Gives up a use; the last user's call frees the object and closes the file. f may be NULL. */
void files_put(struct files *files, struct log_file *f);
/** Makes an object that is in no list. given: it has no path to be opened by. NULL: no memory. */
struct log_file *file_new(const char *path, bool given, const struct rotation *rotation,
			  const struct file_owner *owner);
/** Closes and frees an object that is in no list. Accepts NULL. Returns NULL. */
struct log_file *file_free(struct log_file *f);

/** Returns the words for a failure to open a file (negative errno). */
const char *file_error_text(int error);
/** Opens the path, or opens it again. On failure f keeps the descriptor that it had. Returns 0 or
 * -errno. */
int file_open(struct log_file *f);
/** Like file_open, but opens the file with this inode, whatever its name in the same directory is.
 */
int file_open_inode(struct log_file *f, dev_t dev, ino_t ino);
/** Asks for the present size in bytes. Returns 0 or -errno. */
int file_size(const struct log_file *f, uint64_t *ret);
/** Appends n bytes. Sets *ret_done to how many were written, also on failure. Returns 0 or -errno.
 */
int file_append(struct log_file *f, const char *data, size_t n, size_t *ret_done);
/** Removes an incomplete last line from a file of this size. Returns how many bytes that were; 0 if
 * there was none, or it could not be removed. */
size_t file_cut_torn(struct log_file *f, uint64_t size);
/**
 * Was the file deleted, or moved away from its path? To be asked before something is written. A
 * deletion is seen at once, another name at most FILE_LOOK_US later.
 *
 * @now  monotonic.
 */
bool file_gone(struct log_file *f, usec_t now);
/** Does the file end with a newline? Also true if it is empty or cannot be read. */
bool file_at_line_end(const struct log_file *f);
/** Renames path.i to path.(i+1); for i = 0 path itself, if it still is this file. A missing file is
 * no error. Returns 0 or -errno. */
int file_shift(struct log_file *f, unsigned i);
/** After the shifts: opens a new file at the path, or empties the old one if no backups are wanted.
 * Returns 0 or -errno. */
int file_renew(struct log_file *f);
/** Makes all steps of a rotation, for a writer that notes none of them. Returns 0 or -errno. */
int file_rotate(struct log_file *f);
/** Empties the file, if it is a regular one. Returns 0 or -errno. */
int file_clear(struct log_file *f);
/** Empties a file that is not open here. Returns 0 or -errno; -ENOENT if there is none. */
int file_clear_path(const char *path);
/** Opens a regular file for reading; creates a missing one with mode, unless that is (mode_t)-1.
 * Returns the descriptor or -errno; -EINVAL if it is no regular file. */
int file_open_read(const char *path, mode_t mode);
