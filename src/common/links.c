#include <slotd/links.h>

#include <slotd/cleanup.h>

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	LINKS_MAX = 40, /* as the kernel has it: path_resolution(7) */
};

/* The directory's part of a path, up to and with its last slash; "" for a bare name. */
static int directory_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash - path) + 1 : 0;
}

static bool is_in_proc(const char *path)
{
	char dir[PATH_MAX];
	struct statfs fs;
	int len = directory_length(path);

	(void)snprintf(dir, sizeof(dir), "%.*s.", len, path);
	return statfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static bool is_ours(const struct stat *link)
{
	return link->st_uid == 0 || link->st_uid == geteuid();
}

static bool may_follow(const char *path, const struct stat *link, enum links_rule rule)
{
	struct stat st;

	return is_ours(link) ||
	       (rule == LINKS_OURS_OR_SAME && stat(path, &st) == 0 && st.st_uid == link->st_uid);
}

/* One link: buf becomes what it names. */
static int follow(char *buf, size_t size)
{
	char target[PATH_MAX], whole[PATH_MAX];
	ssize_t n = readlink(buf, target, sizeof(target) - 1);
	int len;

	if (n < 0) {
		return -errno;
	}
	target[n] = '\0';
	len = snprintf(whole, sizeof(whole), "%.*s%s", target[0] == '/' ? 0 : directory_length(buf),
		       buf, target);
	if ((size_t)len >= sizeof(whole) || (size_t)len >= size) {
		return -ENAMETOOLONG;
	}
	memcpy(buf, whole, (size_t)len + 1);
	return 0;
}

int links_resolve(const char *path, enum links_rule rule, char *buf, size_t size, struct diag *diag)
{
	if ((size_t)snprintf(buf, size, "%s", path) >= size) {
		return diag_set_errno(diag, -ENAMETOOLONG, "%s", path);
	}
	for (int i = 0; i < LINKS_MAX; i++) {
		struct stat st;
		int r;

		if (is_in_proc(buf)) {
			return diag_set(diag, -ENXIO,
					"%s is not a file but the name of a descriptor", path);
		}
		if (lstat(buf, &st) < 0) {
			return errno == ENOENT ? 0 : diag_set_errno(diag, -errno, "%s", path);
		}
		if (!S_ISLNK(st.st_mode)) {
			return 0;
		}
		if (!may_follow(buf, &st, rule)) {
			return diag_set(diag, -EPERM,
					"%s is a link of uid %u, which is not followed: give the "
					"link to root, or name its target",
					buf, (unsigned)st.st_uid);
		}
		r = follow(buf, size);
		if (r < 0) {
			return diag_set_errno(diag, r, "%s", path);
		}
	}
	return diag_set_errno(diag, -ELOOP, "%s", path);
}

/* ---- directories */

static int walk(int at, const char *path, int len, int *left);

/* A link is judged by where it leads in the end. */
static int follow_at(int at, const char *name, int *left)
{
	auto_close int link = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -EBADF;
	char target[PATH_MAX];
	struct stat st, there;
	ssize_t n;

	if (link < 0 || fstat(link, &st) < 0) {
		return -errno;
	}
	if (!S_ISLNK(st.st_mode)) {
		return -ENOTDIR;
	}
	if ((*left)-- == 0) {
		return -ELOOP;
	}
	n = readlinkat(link, "", target, sizeof(target));
	if (n < 0 || n == (ssize_t)sizeof(target)) {
		return n < 0 ? -errno : -ENAMETOOLONG;
	}
	fd = walk(at, target, (int)n, left);
	if (fd < 0 || fstat(fd, &there) < 0) {
		return fd < 0 ? fd : -errno;
	}
	return is_ours(&st) || st.st_uid == there.st_uid ? TAKE_FD(fd) : -ELOOP;
}

static int enter(int at, const char *name, int *left)
{
	/* As a directory: that mounts what is mounted on demand. */
	int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0				    ? fd
	       : errno == ENOTDIR || errno == ELOOP ? follow_at(at, name, left)
						    : -errno;
}

/* Each directory of path's first len bytes in turn, from at or from the root. */
static int walk(int at, const char *path, int len, int *left)
{
	auto_close int fd =
		openat(at, len > 0 && *path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *end = path + len;
	char name[NAME_MAX + 1];

	while (fd >= 0 && path < end) {
		int n = 0, next;

		while (path + n < end && path[n] != '/') {
			n++;
		}
		if (n >= (int)sizeof(name)) {
			return -ENAMETOOLONG;
		}
		(void)snprintf(name, sizeof(name), "%.*s", n, path);
		path += n + 1;
		if (n == 0) {
			continue;
		}
		next = enter(fd, name, left);
		if (next < 0) {
			return next;
		}
		(void)close(fd);
		fd = next;
	}
	return fd < 0 ? -errno : TAKE_FD(fd);
}

/* In one call (since Linux 5.6), as long as there is no link. */
static int open_without_links(const char *path, int len)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_NO_SYMLINKS};
	char dir[PATH_MAX];

	(void)snprintf(dir, sizeof(dir), "%.*s.", len, path);
	return (int)syscall(SYS_openat2, AT_FDCWD, dir, &how, sizeof(how));
}

int links_open_directory(const char *path, const char **ret_name)
{
	int len = directory_length(path), left = LINKS_MAX;
	int fd = len + 1 < PATH_MAX ? open_without_links(path, len) : -1;

	*ret_name = path + len;
	return fd >= 0 ? fd : walk(AT_FDCWD, path, len, &left);
}

/* ---- descriptors */

/* The number that is all of text. */
static bool read_number(const char *text, int *ret)
{
	char *end;
	long n;

	if (!isdigit((unsigned char)text[0])) {
		return false;
	}
	errno = 0;
	n = strtol(text, &end, 10);
	*ret = (int)n;
	return !*end && errno == 0 && n <= INT_MAX;
}

/* /proc/PID/fd or /proc/PID/task/TID/fd. */
static bool read_directory(const char *real, int *ret_pid)
{
	int task, end = 0;

	(void)sscanf(real, "/proc/%d/fd%n", ret_pid, &end);
	if (!end) {
		(void)sscanf(real, "/proc/%d/task/%d/fd%n", ret_pid, &task, &end);
	}
	return end && !real[end] && *ret_pid > 0;
}

bool links_descriptor(const char *name, pid_t *ret_pid, int *ret_fd)
{
	int len = directory_length(name), pid, fd;
	auto_free char *dir = strndup(name, (size_t)(len > 0 ? len - 1 : 0));
	auto_free char *real = dir ? realpath(dir, NULL) : NULL; /* /proc/self is a link, too */
	const char *whose = real ? real : dir; /* somebody else's may be closed to us */

	if (!whose || !read_number(name + len, &fd) || !read_directory(whose, &pid)) {
		return false;
	}
	*ret_pid = pid == getpid() ? 0 : pid;
	*ret_fd = fd;
	return true;
}
