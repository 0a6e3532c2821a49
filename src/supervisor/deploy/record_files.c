#include "deploy/record_files.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <slotd/ownname.h>

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum {
	NEW_FILE_MODE = 0644,
	HISTORY_MAX = 1 << 20,
	HISTORY_KEPT = 512 << 10,
	HISTORY_LOOK = 32 << 10, /* its end */
};

static const char *beside(const char *path, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s.slotd-new", path);
	return buf;
}

static int complain(const char *what, const char *path)
{
	dprintf(STDOUT_FILENO, "%s %s: %s", what, path, strerrordesc_np(errno));
	return 1;
}

static int say(const struct diag *diag)
{
	dprintf(STDOUT_FILENO, "%s", diag->text);
	return 1;
}

/* A file system without fallocate, as older NFS, says only when it syncs that it has no room. */
static int reserve(int fd, off_t size)
{
	return fallocate(fd, 0, 0, size) < 0 ? fsync(fd) : 0;
}

/**
 * Without O_TRUNC: the blocks that a check has reserved stay. Mode and owner are the old file's. A
 * check does not wait for the disk: a swap waits for it.
 */
static int write_beside(const char *path, const char *text, bool commit)
{
	const off_t size = (off_t)strlen(text);
	char new_path[PATH_MAX];
	struct diag diag = {0};
	struct stat st;
	auto_close int fd = -EBADF;

	if (own_file_open(beside(path, new_path, sizeof(new_path)), O_WRONLY | O_CREAT,
			  NEW_FILE_MODE, &diag, &fd) < 0) {
		return say(&diag);
	}
	if (io_write_all(fd, text, strlen(text)) < 0 || ftruncate(fd, size) < 0) {
		return complain("cannot write", new_path);
	}
	if (stat(path, &st) == 0 &&
	    (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0)) {
		return complain("cannot set the owner and mode of", new_path);
	}
	return (commit ? fsync(fd) : reserve(fd, size)) < 0 ? complain("cannot write", new_path)
							    : 0;
}

static int sync_directory(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	auto_close int fd = -EBADF;

	(void)snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash) {
		slash[slash == dir] = '\0';
	}
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? complain("cannot sync", dir) : 0;
}

static int put_in_place(const char *path)
{
	char new_path[PATH_MAX];

	if (rename(beside(path, new_path, sizeof(new_path)), path) < 0) {
		return complain("cannot replace", path);
	}
	return sync_directory(path);
}

static bool holds(const char *path, const char *text)
{
	char buf[64 * 1024];
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

/* What is no regular file (a device, a directory) is found by a check, not only by the rename. */
static int check_replaceable(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0 || S_ISREG(st.st_mode)) {
		return 0;
	}
	dprintf(STDOUT_FILENO, "cannot replace %s: %s", path,
		S_ISDIR(st.st_mode) ? strerrordesc_np(EISDIR) : "it is not a regular file");
	return 1;
}

/* A link stays, and what it names is replaced. */
static int write_file(const char *path, const char *text, bool commit)
{
	char real[PATH_MAX];
	struct diag diag = {0};
	bool same = holds(path, text);

	if (same && !commit) {
		return 0;
	}
	if (own_name_resolve(path, real, sizeof(real), &diag) < 0) {
		return same ? 0 : say(&diag);
	}
	if (same) { /* a child that was killed may have renamed it, and no more */
		return sync_directory(real);
	}
	if (check_replaceable(real) != 0 || write_beside(real, text, commit) != 0) {
		return 1;
	}
	return commit ? put_in_place(real) : 0;
}

/* Only a link is replaced, here and beside it. */
static int write_link(const char *path, const char *target, bool commit)
{
	char now[PATH_MAX], new_path[PATH_MAX];
	ssize_t n = readlink(path, now, sizeof(now) - 1);

	if (n < 0 && errno == EINVAL) {
		dprintf(STDOUT_FILENO, "%s is not a symbolic link: remove it", path);
		return 1;
	}
	now[n > 0 ? n : 0] = '\0';
	if (strcmp(now, target) == 0) {
		return 0;
	}
	beside(path, new_path, sizeof(new_path));
	if (readlink(new_path, now, sizeof(now)) >= 0) {
		(void)unlink(new_path);
	}
	if (symlink(target, new_path) < 0) {
		return complain("cannot make", new_path);
	}
	return commit ? put_in_place(path) : 0;
}

/* A history that has grown long loses its older half; whoever reads it reads only its end. */
static int shorten(const char *path)
{
	auto_free char *text = malloc(HISTORY_KEPT + 1);
	auto_close int fd = -EBADF;
	struct diag diag = {0};
	struct stat st;
	const char *from;
	ssize_t n;

	if (own_file_open(path, O_RDONLY, 0, &diag, &fd) < 0 || fstat(fd, &st) < 0 ||
	    st.st_size <= HISTORY_MAX) {
		return 0;
	}
	n = text ? io_read_tail(fd, text, HISTORY_KEPT) : -ENOMEM;
	if (n < 0) {
		return 0; /* the next line tries it again */
	}
	text[n] = '\0';
	from = strchr(text, '\n');
	return from && write_beside(path, from + 1, true) == 0 ? put_in_place(path) : 0;
}

/* What a power cut has left of a line must not spoil the next one. */
static int end_line(int fd, off_t size)
{
	char last = '\n';

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n'
		       ? io_write_all(fd, "\n", 1)
		       : 0;
}

bool record_files_have_line(const char *path, const char *wanted)
{
	auto_close int fd = -EBADF;
	char text[HISTORY_LOOK + 1];
	ssize_t n;

	if (own_file_open(path, O_RDONLY | O_NONBLOCK, 0, NULL, &fd) < 0) {
		return false;
	}
	n = io_read_tail(fd, text, HISTORY_LOOK);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, wanted) != NULL;
}

/* What is not written whole and synchronized is taken back: it will be tried again. */
static int append(const char *path, const char *line)
{
	struct diag diag = {0};
	auto_close int fd = -EBADF;
	struct stat st;
	int error;

	if (shorten(path) != 0) {
		return 1;
	}
	if (own_file_open(path, O_RDWR | O_CREAT | O_APPEND, NEW_FILE_MODE, &diag, &fd) < 0) {
		return say(&diag);
	}
	if (fstat(fd, &st) < 0) {
		return complain("cannot look at", path);
	}
	if (end_line(fd, st.st_size) < 0 || io_write_all(fd, line, strlen(line)) < 0 ||
	    fsync(fd) < 0) {
		error = errno;
		(void)!ftruncate(fd, st.st_size);
		errno = error;
		return complain("cannot write", path);
	}
	return st.st_size == 0 ? sync_directory(path) : 0; /* it may be new */
}

static int append_once(const struct record_files *f)
{
	return f->history_again && record_files_have_line(f->history_path, f->history_line)
		       ? 0
		       : append(f->history_path, f->history_line);
}

static int check_room(const char *path, uint64_t min)
{
	struct statvfs fs;
	uint64_t free_bytes;

	if (statvfs(path, &fs) < 0) {
		(void)complain("cannot see how much is free at", path);
		return RECORD_NO_ROOM;
	}
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free_bytes >= min) {
		return 0;
	}
	dprintf(STDOUT_FILENO, "%s has %" PRIu64 " MB free, less than min_free=%" PRIu64 "MB", path,
		free_bytes >> 20, min >> 20);
	return RECORD_NO_ROOM;
}

/* The state file first: it decides, the others follow it. */
int record_files_write(void *data)
{
	const struct record_files *f = data;
	bool edited;
	int r = 0;

	if (f->history_path && append_once(f) != 0) {
		return 1;
	}
	if (f->state_path && write_file(f->state_path, f->state_text, f->commit) != 0) {
		return 1;
	}
	edited = f->repair && f->live_path && !holds(f->live_path, f->live_text);
	if (f->live_path && write_file(f->live_path, f->live_text, f->commit) != 0) {
		return 1;
	}
	if (f->link_path && f->link_target) {
		r = write_link(f->link_path, f->link_target, f->commit);
	}
	if (edited) {
		dprintf(STDOUT_FILENO,
			"%s%s was changed by hand and has been corrected: %c stays live (slotctl "
			"swap changes the live slot)",
			r != 0 ? "; " : "", f->live_path, f->live_text[0]);
	}
	return r == 0 && f->room_path ? check_room(f->room_path, f->room_min) : r;
}

void record_files_done(struct record_files *f)
{
	free(f->state_path);
	free(f->state_text);
	free(f->live_path);
	free(f->link_path);
	free(f->link_target);
	free(f->history_path);
	free(f->history_line);
	free(f->room_path);
	*f = (struct record_files){0};
}
