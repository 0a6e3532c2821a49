#include "record_files.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	NEW_FILE_MODE = 0644,
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

/* Without O_TRUNC: the blocks that a check has reserved stay. Mode and owner are the old file's. */
static int write_beside(const char *path, const char *text)
{
	char new_path[PATH_MAX];
	struct stat st;
	auto_close int fd =
		open(beside(path, new_path, sizeof(new_path)),
		     O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, NEW_FILE_MODE);

	if (fd < 0 || io_write_all(fd, text, strlen(text)) < 0 ||
	    ftruncate(fd, (off_t)strlen(text)) < 0) {
		return complain("cannot write", new_path);
	}
	if (stat(path, &st) == 0 &&
	    (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0)) {
		return complain("cannot give its owner and mode to", new_path);
	}
	return fsync(fd) < 0 ? complain("cannot write", new_path) : 0;
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

static bool is_directory(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int write_file(const char *path, const char *text, bool commit)
{
	if (holds(path, text)) {
		return 0;
	}
	if (is_directory(path)) { /* found by a check, not only by the rename */
		errno = EISDIR;
		return complain("cannot replace", path);
	}
	if (write_beside(path, text) != 0) {
		return 1;
	}
	return commit ? put_in_place(path) : 0;
}

static int write_link(const char *path, const char *target, bool commit)
{
	char now[PATH_MAX], new_path[PATH_MAX];
	ssize_t n = readlink(path, now, sizeof(now) - 1);

	if (n < 0 && errno == EINVAL) {
		dprintf(STDOUT_FILENO, "%s is no symbolic link: remove it", path);
		return 1;
	}
	now[n > 0 ? n : 0] = '\0';
	if (strcmp(now, target) == 0) {
		return 0;
	}
	(void)unlink(beside(path, new_path, sizeof(new_path)));
	if (symlink(target, new_path) < 0) {
		return complain("cannot make", new_path);
	}
	return commit ? put_in_place(path) : 0;
}

static int append(const char *path, const char *line)
{
	auto_close int fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, NEW_FILE_MODE);

	if (fd < 0 || io_write_all(fd, line, strlen(line)) < 0 || fsync(fd) < 0) {
		return complain("cannot write", path);
	}
	return 0;
}

/* The state file first: it decides, the others follow it. */
int record_files_write(void *data)
{
	const struct record_files *f = data;

	if (f->history_path && append(f->history_path, f->history_line) != 0) {
		return 1;
	}
	if (f->state_path && write_file(f->state_path, f->state_text, f->commit) != 0) {
		return 1;
	}
	if (f->repair && f->live_path && !holds(f->live_path, f->live_text)) {
		dprintf(STDOUT_FILENO,
			"%s was changed by hand: put right, %c stays live (slotctl swap changes "
			"it)",
			f->live_path, f->live_text[0]);
	}
	if (f->live_path && write_file(f->live_path, f->live_text, f->commit) != 0) {
		return 1;
	}
	if (f->link_path && f->link_target &&
	    write_link(f->link_path, f->link_target, f->commit) != 0) {
		return 1;
	}
	return 0;
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
	*f = (struct record_files){0};
}
