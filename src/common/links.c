#include <slotd/links.h>

#include <slotd/cleanup.h>

#include <ctype.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

static bool may_follow(const char *path, const struct stat *link, enum links_rule rule)
{
	struct stat st;

	return link->st_uid == 0 || link->st_uid == geteuid() ||
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
