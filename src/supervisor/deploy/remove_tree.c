#include "deploy/remove_tree.h"

#include <slotd/cleanup.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int open_directory(struct removal *r, int dir, const char *name, int *ret_fd)
{
	auto_close int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == EACCES &&
	    fchmodat(dir, name, 0700, AT_SYMLINK_NOFOLLOW) == 0) { /* its owner closed it */
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		return -errno;
	}
	if (st.st_dev != r->device) {
		return -EXDEV;
	}
	(void)fchmod(fd, st.st_mode | 0700); /* nothing can be removed from one that is read-only */
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int remove_directory(struct removal *r, int dir, const char *name)
{
	auto_close int fd = -EBADF;
	int error = r->depth < REMOVAL_DEPTH_MAX ? open_directory(r, dir, name, &fd) : -E2BIG;

	if (error < 0) {
		return error;
	}
	r->depth++;
	error = remove_content(r, fd);
	r->depth--;
	return error == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 ? -errno : error;
}

int remove_tree(struct removal *r, int dir, const char *name)
{
	struct stat st;

	if (r->left == 0) {
		return -E2BIG;
	}
	r->left--;
	if (r->depth == 0) {
		if (fstat(dir, &st) < 0) {
			return -errno;
		}
		r->device = st.st_dev;
	}
	if (unlinkat(dir, name, 0) == 0) {
		return 0;
	}
	return errno == EISDIR ? remove_directory(r, dir, name) : -errno;
}

int remove_content(struct removal *r, int dir)
{
	const int own = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	DIR *all = own < 0 ? NULL : fdopendir(own);
	const struct dirent *e;
	struct stat st;
	int first = 0, error;

	if (!all || fstat(dir, &st) < 0) {
		first = -errno;
		if (all) {
			(void)closedir(all);
		} else if (own >= 0) {
			(void)close(own);
		}
		return first;
	}
	if (r->depth == 0) {
		r->device = st.st_dev;
	}
	rewinddir(all);
	while ((e = readdir(all))) {
		error = is_dots(e->d_name) ? 0 : remove_tree(r, dir, e->d_name);
		first = first ? first : error;
		if (error == -E2BIG && r->left == 0) {
			break;
		}
	}
	(void)closedir(all);
	return first;
}
