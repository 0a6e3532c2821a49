#include <slotd/credentials.h>

#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <slotd/trust.h>

#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	FILES_MAX = 1000, /* that are removed at once */
};

/* ---- making */

struct making {
	int dir_fd;
	const struct spawn_user *user; /* NULL: nothing has to be given away */
	size_t size;		       /* of all files so far */
	char *why;
	size_t why_size;
};

/* Not blocking, for it may be a FIFO; a FIFO is refused afterwards. */
static int open_source(struct making *m, const char *path, int *ret_fd)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct diag diag = {0};
	size_t len = strlen(m->why);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)snprintf(m->why + len, m->why_size - len, " (not a regular file)");
		return -EINVAL;
	}
	if (trust_file(path, &st, geteuid(), &diag) != TRUST_OURS) {
		(void)snprintf(m->why + len, m->why_size - len, " (%s)", diag.text);
		return -EPERM;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int give(const struct making *m, int fd)
{
	return m->user && fchown(fd, m->user->uid, m->user->gid) < 0 ? -errno : 0;
}

static int write_file(struct making *m, const char *name, const struct strbuf *content)
{
	auto_close int fd = openat(m->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	int r;

	if (fd < 0) {
		return -errno;
	}
	r = io_write_all(fd, content->data, content->len);
	if (r == 0 && fchmod(fd, 0400) < 0) {
		r = -errno;
	}
	return r == 0 ? give(m, fd) : r;
}

static int copy(struct making *m, const char *item)
{
	const char *path = strchr(item, ':') + 1;
	CLEANUP(strbuf_done) struct strbuf content = {.max = CREDENTIALS_SIZE_MAX};
	auto_close int fd = -EBADF;
	char name[NAME_MAX + 1];
	int r;

	(void)snprintf(name, sizeof(name), "%.*s", (int)(path - item - 1), item);
	(void)snprintf(m->why, m->why_size, "credential %s from %s", name, path);
	r = open_source(m, path, &fd);
	if (r == 0) {
		r = io_read_all(fd, &content);
	}
	m->size += content.len;
	if (r == 0 && m->size > CREDENTIALS_SIZE_MAX) {
		r = -E2BIG;
	}
	if (r == 0) {
		r = write_file(m, name, &content);
	}
	if (content.data) {
		explicit_bzero(content.data, content.len);
	}
	return r;
}

static int make_directory(struct making *m, const char *dir)
{
	int r = credentials_remove(dir);

	(void)snprintf(m->why, m->why_size, "credentials in %s", dir);
	if (r == 0 && mkdir(dir, 0700) < 0) {
		r = -errno;
	}
	if (r == 0) {
		m->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = m->dir_fd < 0 ? -errno : 0;
	}
	return r;
}

/* Access for one user beside the owner: acl(5), as the kernel takes it. -EOPNOTSUPP: not here. */
static int let_in(int fd, uid_t uid)
{
	enum {
		OWNER = 0x01,
		USER = 0x02,
		GROUP = 0x04,
		MASK = 0x10,
		OTHER = 0x20,
		READ_AND_ENTER = 5,
	};
	const struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[5];
	} acl = {
		{htole32(POSIX_ACL_XATTR_VERSION)},
		{{htole16(OWNER), htole16(READ_AND_ENTER), htole32(ACL_UNDEFINED_ID)},
		 {htole16(USER), htole16(READ_AND_ENTER), htole32(uid)},
		 {htole16(GROUP), 0, htole32(ACL_UNDEFINED_ID)},
		 {htole16(MASK), htole16(READ_AND_ENTER), htole32(ACL_UNDEFINED_ID)},
		 {htole16(OTHER), 0, htole32(ACL_UNDEFINED_ID)}},
	};

	return fsetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl), 0) < 0 ? -errno : 0;
}

/* The directory stays ours: its user could fill it with what we cannot remove. */
static int open_to_user(const struct making *m)
{
	int r;

	if (fchmod(m->dir_fd, 0500) < 0) {
		return -errno;
	}
	r = m->user ? let_in(m->dir_fd, m->user->uid) : 0;
	if (r != -EOPNOTSUPP) {
		return r;
	}
	/* Others of its group can read the names. */
	return fchown(m->dir_fd, (uid_t)-1, m->user->gid) < 0 || fchmod(m->dir_fd, 0550) < 0
		       ? -errno
		       : 0;
}

int credentials_make(const char *dir, char *const *list, const struct spawn_user *user, char *why,
		     size_t size)
{
	struct making m = {.dir_fd = -EBADF, .why = why, .why_size = size};
	int r = make_directory(&m, dir);

	if (user && user->uid != (uid_t)-1 && user->uid != geteuid()) {
		m.user = user;
	}
	for (; r == 0 && *list; list++) {
		r = copy(&m, *list);
	}
	if (r == 0) {
		(void)snprintf(why, size, "credentials in %s", dir);
		r = open_to_user(&m);
	}
	cleanup_closep(&m.dir_fd);
	return r;
}

/* ---- removing */

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int empty(int dir_fd)
{
	DIR *dir = fdopendir(dir_fd); /* takes it */
	const struct dirent *e;

	if (!dir) {
		int r = -errno;

		(void)close(dir_fd);
		return r;
	}
	for (int i = 0; i < FILES_MAX && (e = readdir(dir)); i++) {
		if (!is_dots(e->d_name) && unlinkat(dirfd(dir), e->d_name, 0) < 0) {
			(void)unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
		}
	}
	(void)closedir(dir);
	return 0;
}

int credentials_remove(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

	if (fd < 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	(void)fchmod(fd, 0700); /* its owner may not write there otherwise */
	r = empty(fd);
	return r == 0 && rmdir(dir) < 0 ? -errno : r;
}
