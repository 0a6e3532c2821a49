#include "deploy/remove_tree.h"

#include <slotd/cleanup.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What is bound from elsewhere has the same device. */
static int find_place(int fd, dev_t *ret_device, uint64_t *ret_mount)
{
	struct stat st;
	struct statx x;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	*ret_device = st.st_dev;
	*ret_mount =
		statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &x) == 0 && x.stx_mask & STATX_MNT_ID
			? x.stx_mnt_id
			: 0;
	return 0;
}

static int open_directory(struct removal *r, int dir, const char *name, int *ret_fd)
{
	auto_close int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	uint64_t mount = 0;
	dev_t device = 0;
	int error;

	if (fd < 0 && errno == EACCES &&
	    fchmodat(dir, name, 0700, AT_SYMLINK_NOFOLLOW) == 0) { /* its owner closed it */
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		return -errno;
	}
	error = find_place(fd, &device, &mount);
	if (error < 0 || device != r->device || mount != r->mount) {
		return error < 0 ? error : -EXDEV;
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
	int error;

	if (r->left == 0) {
		return -E2BIG;
	}
	r->left--;
	if (r->depth == 0) {
		error = find_place(dir, &r->device, &r->mount);
		if (error < 0) {
			return error;
		}
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
	int first = all ? 0 : -errno, error;

	if (first == 0 && r->depth == 0) {
		first = find_place(dir, &r->device, &r->mount);
	}
	if (first < 0) {
		if (all) {
			(void)closedir(all);
		} else if (own >= 0) {
			(void)close(own);
		}
		return first;
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
