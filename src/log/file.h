#pragma once

/**
 * Log files. Streams with the same file share one object, so that lines of both are appended
 * through one descriptor and rotated once.
 *
 * Files are opened for appending; the size is asked for before each chunk, because others
 * (logrotate's copytruncate, a person) may change it. What cannot be written is lost and counted
 * by the caller; after a failure the file is left alone for FILE_PAUSE, then new data tries again.
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
	mode_t mode; /* (mode_t)-1: 0666 less the umask */
	uid_t uid;   /* (uid_t)-1: as made */
	gid_t gid;
	bool late; /* made with the first byte, or when it is asked for */
};

struct log_file {
	struct log_file *next, **link; /* of all; what points to this one */
	struct log_file *next_in_bucket;
	char *path;    /* of one that is made late: as given, until it is opened */
	uint32_t hash; /* of the path it was made with: there are thousands */
	int fd;	       /* -EBADF: could not be opened, or is made late */
	unsigned users;
	dev_t dev;
	ino_t ino;		 /* 0: not a regular file */
	ino_t special_ino;	 /* of a special target */
	struct special *special; /* a target that is no regular file */
	struct rotation rotation;
	struct file_owner owner;
	bool given;	    /* by slotd as a descriptor: neither opened nor rotated here */
	bool reopen;	    /* asked for, at the end of the line that is begun */
	bool gone_told;	    /* its path leads elsewhere, and cannot be opened: that was reported */
	usec_t look_at;	    /* no look at its path before */
	bool shift_told;    /* a failed rotation was reported */
	usec_t shift_after; /* no rotation before */
	usec_t retry_at;    /* no attempt before; 0: it works */
	uint64_t lost_lines, lost_bytes; /* since it stopped working */
};

struct files {
	struct log_file *head;
	struct log_file *buckets[FILE_BUCKETS];
};

/**
 * The object for path; opens the file when it is new (a failure stays in it and is tried again),
 * unless it is to be made late.
 *
 * @fd  a descriptor to use instead of opening path, or -EBADF. Takes it.
 * Returns: 0 with one more user, -ENAMETOOLONG, -ENOMEM.
 */
int files_get(struct files *files, const char *path, int fd, const struct rotation *rotation,
	      const struct file_owner *owner, struct log_file **ret);
/** The object whose path this is, NULL when it is not open here. */
struct log_file *files_find(struct files *files, const char *path);
/** The object of a pipe, socket or terminal; NULL: nothing is written there. */
struct log_file *files_find_special(struct files *files, dev_t dev, ino_t ino);
/** One user less; the last one closes it. NULL is fine. */
void files_put(struct files *files, struct log_file *f);
/** A file that is in no list. given: it is not to be opened by its path. */
struct log_file *file_new(const char *path, bool given, const struct rotation *rotation,
			  const struct file_owner *owner);
struct log_file *file_free(struct log_file *f);

/** What to say of a failure to open one. */
const char *file_error_text(int error);
/** Opens (again); keeps what it had when that fails. 0 or -errno. */
int file_open(struct log_file *f);
/** As file_open, but only the file with this inode, under whatever name in the same directory. */
int file_open_inode(struct log_file *f, dev_t dev, ino_t ino);
/** Size now. 0 or -errno. */
int file_size(const struct log_file *f, uint64_t *ret);
/** Appends all of data. *ret_done tells how much when it fails. 0 or -errno. */
int file_append(struct log_file *f, const char *data, size_t n, size_t *ret_done);
/** Removes a line without end from the end of the file. Bytes removed, 0 when there is none. */
size_t file_cut_torn(struct log_file *f, uint64_t size);
/**
 * Was it deleted, or moved away from its path? Asked before something is written. Deletion shows at
 * once, a new name at most FILE_LOOK_US later. A failure is asked about that seldom, too.
 */
bool file_gone(struct log_file *f, usec_t now);
/** Does it end with a newline (or is empty, or cannot be read)? */
bool file_at_line_end(const struct log_file *f);
/** path.i -> path.(i+1); missing is fine. 0: path itself, if it still is this file. */
int file_shift(struct log_file *f, unsigned i);
/** After the shift: a new file, or with backups=0 the old one emptied. */
int file_renew(struct log_file *f);
/** The whole rotation, for a writer without notes. */
int file_rotate(struct log_file *f);
/** Empties it. */
int file_clear(struct log_file *f);
/** As file_clear, of a file that is not open here; -ENOENT when there is none. */
int file_clear_path(const char *path);
/** A read-only descriptor for path, or -errno. A missing file is made with mode, if not -1. */
int file_open_read(const char *path, mode_t mode);
