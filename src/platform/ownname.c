#include <slotd/ownname.h>

#include <slotd/cleanup.h>

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum {
	LINKS_MAX = 40, /* as the kernel has it: path_resolution(7) */
};

/* ---- links */

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

static bool may_follow(const char *path, const struct stat *link)
{
	struct stat st;

	return link->st_uid == 0 || link->st_uid == geteuid() ||
	       (stat(path, &st) == 0 && st.st_uid == link->st_uid);
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

int own_name_resolve(const char *path, char *buf, size_t size, struct diag *diag)
{
	if ((size_t)snprintf(buf, size, "%s", path) >= size) {
		return diag_set_errno(diag, -ENAMETOOLONG, "%s", path);
	}
	for (int i = 0; i < LINKS_MAX; i++) {
		struct stat st;
		int r;

		if (is_in_proc(buf)) {
			return diag_set(diag, -ENXIO, "%s is no file but a descriptor's name",
					path);
		}
		if (lstat(buf, &st) < 0) {
			return errno == ENOENT ? 0 : diag_set_errno(diag, -errno, "%s", path);
		}
		if (!S_ISLNK(st.st_mode)) {
			return 0;
		}
		if (!may_follow(buf, &st)) {
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

/* ---- files */

static int not_regular(const char *path, struct diag *diag)
{
	return diag_set(diag, -EINVAL, "%s is not a regular file", path);
}

static int open_regular(const char *real, int flags, mode_t mode)
{
	int base = flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW;
	int fd = open(real, base | O_NONBLOCK, mode);

	/* Somebody has a lease on it: fcntl(2). It is no pipe, then. */
	return fd < 0 && errno == EWOULDBLOCK && !(flags & O_NONBLOCK) ? open(real, base, mode)
								       : fd;
}

int own_file_open(const char *path, int flags, mode_t mode, struct diag *diag, int *ret_fd)
{
	auto_close int fd = -EBADF;
	char real[PATH_MAX];
	struct stat st;
	int r = own_name_resolve(path, real, sizeof(real), diag);

	if (r < 0) {
		return r;
	}
	/* Looked at first: to open a device (a tape, a watchdog) can be an act. */
	if (lstat(real, &st) == 0 && !S_ISREG(st.st_mode)) {
		return not_regular(path, diag);
	}
	fd = open_regular(real, flags, mode);
	if (fd < 0 || fstat(fd, &st) < 0) {
		return diag_set_errno(diag, -errno, "cannot open %s", path);
	}
	if (!S_ISREG(st.st_mode)) {
		return not_regular(path, diag);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* ---- what we made */

int own_name_note(struct own_name *ret, const char *path)
{
	CLEANUP(own_name_done) struct own_name n = {0};
	char real[PATH_MAX];
	struct stat st;
	int r = own_name_resolve(path, real, sizeof(real), NULL);

	if (r < 0) {
		return r;
	}
	n.path = strdup(path);
	n.real = strdup(real);
	if (!n.path || !n.real) {
		return -ENOMEM;
	}
	if (lstat(real, &st) < 0) {
		return -errno;
	}
	n.dev = st.st_dev;
	n.ino = st.st_ino;
	own_name_done(ret);
	*ret = own_name_take(&n);
	return 0;
}

struct own_name own_name_take(struct own_name *from)
{
	struct own_name n = *from;

	*from = (struct own_name){0};
	return n;
}

static bool is_it(const struct own_name *n, const struct stat *st)
{
	return st->st_dev == n->dev && st->st_ino == n->ino &&
	       (S_ISREG(st->st_mode) || S_ISSOCK(st->st_mode));
}

bool own_name_stands(const struct own_name *n)
{
	struct stat st;

	return n->path && stat(n->path, &st) == 0 && is_it(n, &st);
}

void own_name_remove(struct own_name *n)
{
	struct stat st;

	if (n->real && lstat(n->real, &st) == 0 && is_it(n, &st)) {
		(void)unlink(n->real); /* a read-only directory keeps it: a stale name is replaced
					  at the next start */
	}
	own_name_done(n);
}

void own_name_done(struct own_name *n)
{
	free(n->path);
	free(n->real);
	*n = (struct own_name){0};
}
