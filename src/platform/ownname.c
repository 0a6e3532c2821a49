#include <slotd/ownname.h>

#include <slotd/cleanup.h>
#include <slotd/links.h>

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

int own_name_resolve(const char *path, char *buf, size_t size, struct diag *diag)
{
	return links_resolve(path, LINKS_OURS_OR_SAME, buf, size, diag);
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
