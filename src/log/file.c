#include "file.h"

#include "freer.h"
#include "lines.h"
#include "special.h"

#include <slotd/cleanup.h>
#include <slotd/links.h>
#include <slotd/lognote.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum {
	/* NONBLOCK for what turns out to be a pipe or terminal; NOFOLLOW: see real_path(). */
	OPEN_FLAGS = O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW,
};

/* ---- opening */

/* A link is followed when root or we made it. A worker that may write to the directory of its log
 * could else have us append to, or show, any file of the machine. For the same reason nothing here
 * is opened, renamed or removed by a path, which may lead elsewhere the next time, but by its name
 * in a directory that links_open_directory has opened. */
static char *real_path(const char *path)
{
	char real[LOG_NOTE_PATH_MAX];
	int r = links_resolve(path, LINKS_OURS, real, sizeof(real), NULL);

	/* A link at which it stopped is not followed by open either, which then tells. */
	return strdup(r == -ENAMETOOLONG ? path : real);
}

const char *file_error_text(int error)
{
	return error == -ELOOP ? "it is somebody else's link, or behind one, or leads to a "
				 "descriptor that slotd cannot pass on"
			       : strerror(-error);
}

static int give_owner(int fd, const struct file_owner *owner)
{
	/* The mode first: afterwards the file may not be ours, and we have no CAP_FOWNER. */
	if (owner->mode != (mode_t)-1 && fchmod(fd, owner->mode) < 0) {
		return -errno;
	}
	if ((owner->uid != (uid_t)-1 || owner->gid != (gid_t)-1) &&
	    fchown(fd, owner->uid, owner->gid) < 0) {
		return -errno;
	}
	return 0;
}

static int open_existing(int dir, const char *name)
{
	/* Reading is wanted to see where lines end, but can be done without. */
	int fd = openat(dir, name, O_RDWR | OPEN_FLAGS);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
		/* As a reader of our own pipe we would never see that nobody else reads it. */
		(void)close(fd);
		fd = openat(dir, name, O_WRONLY | OPEN_FLAGS);
	} else if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		fd = openat(dir, name, O_WRONLY | OPEN_FLAGS);
	}
	return fd < 0 ? -errno : fd;
}

static int open_or_make(const char *path, const struct file_owner *owner)
{
	const char *name;
	auto_close int dir = links_open_directory(path, &name), fd = -EBADF;
	int r;

	if (dir < 0) {
		return dir;
	}
	for (int attempt = 0; attempt < 3; attempt++) {
		r = open_existing(dir, name);
		if (r != -ENOENT) {
			return r;
		}
		fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | OPEN_FLAGS, 0666);
		if (fd >= 0) {
			r = give_owner(fd, owner);
			return r < 0 ? r : TAKE_FD(fd);
		}
		if (errno != EEXIST) {
			return -errno;
		}
	}
	return -EEXIST;
}

/* Takes fd. */
static int adopt(struct log_file *f, int fd)
{
	struct special *special = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		int r = -errno;

		(void)close(fd);
		return r;
	}
	if (f->given || !S_ISREG(st.st_mode)) {
		special = special_new(fd);
		if (!special) {
			(void)close(fd);
			return -ENOMEM;
		}
	}
	f->special = (special_free(f->special), special);
	cleanup_closep(&f->fd);
	f->fd = fd;
	f->dev = st.st_dev;
	f->ino = special ? 0 : st.st_ino;
	f->special_ino = special ? st.st_ino : 0;
	f->reopen = false;
	return 0;
}

/* Of one that is made late nobody has looked where its path leads. */
static int resolve_late(struct log_file *f)
{
	char *real = f->fd < 0 && f->owner.late ? real_path(f->path) : f->path;

	if (!real) {
		return -ENOMEM;
	}
	if (real != f->path) {
		free(f->path);
		f->path = real;
	}
	return 0;
}

int file_open(struct log_file *f)
{
	int fd, r;

	if (f->given) {
		return 0;
	}
	r = resolve_late(f);
	if (r < 0) {
		return r;
	}
	fd = open_or_make(f->path, &f->owner);
	return fd < 0 ? fd : adopt(f, fd);
}

static int open_directory_of(const char *path, DIR **ret)
{
	const char *name;
	auto_close int at = links_open_directory(path, &name), fd = -EBADF;

	if (at < 0) {
		return at;
	}
	fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*ret = fd < 0 ? NULL : fdopendir(fd);
	if (!*ret) {
		return -errno;
	}
	(void)TAKE_FD(fd);
	return 0;
}

static int open_entry(DIR *dir, dev_t dev, ino_t ino)
{
	struct dirent *entry;
	struct stat st;

	while ((entry = readdir(dir))) {
		if (entry->d_ino == ino) {
			auto_close int fd = openat(dirfd(dir), entry->d_name, O_RDWR | OPEN_FLAGS);

			if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == dev &&
			    st.st_ino == ino) {
				return TAKE_FD(fd);
			}
		}
	}
	return -ENOENT;
}

int file_open_inode(struct log_file *f, dev_t dev, ino_t ino)
{
	struct stat st;
	DIR *dir;
	int fd, r;

	if (stat(f->path, &st) == 0 && st.st_dev == dev && st.st_ino == ino) {
		return file_open(f);
	}
	r = open_directory_of(f->path, &dir);
	if (r < 0) {
		return r;
	}
	fd = open_entry(dir, dev, ino);
	(void)closedir(dir);
	return fd < 0 ? fd : adopt(f, fd);
}

/* What is not open here, at its path with links followed. Returns a descriptor or -errno. */
static int open_by_path(const char *path, int flags, mode_t mode)
{
	auto_free char *real = real_path(path);
	const char *name;
	auto_close int dir = real ? links_open_directory(real, &name) : -ENOMEM;
	int fd;

	if (dir < 0) {
		return dir;
	}
	fd = openat(dir, name, flags | OPEN_FLAGS, mode);
	return fd < 0 ? -errno : fd;
}

int file_open_read(const char *path, mode_t mode)
{
	int make = mode == (mode_t)-1 ? 0 : O_CREAT;
	auto_close int fd = open_by_path(path, O_RDONLY | make, mode);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return fd < 0 ? fd : -errno;
	}
	return S_ISREG(st.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

/* ---- sharing */

static uint32_t hash_of(const char *path)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *path; path++) {
		hash = (hash ^ (unsigned char)*path) * 16777619u;
	}
	return hash;
}

struct log_file *file_free(struct log_file *f)
{
	if (f) {
		f->special = special_free(f->special);
		cleanup_closep(&f->fd);
		free(f->path);
		free(f);
	}
	return NULL;
}

struct log_file *file_new(const char *path, bool given, const struct rotation *rotation,
			  const struct file_owner *owner)
{
	struct log_file *f = calloc(1, sizeof(*f));

	if (!f) {
		return NULL;
	}
	f->fd = -EBADF;
	f->rotation = *rotation;
	f->owner = *owner;
	f->given = given;
	f->path = given || owner->late ? strdup(path) : real_path(path);
	if (!f->path) {
		return file_free(f);
	}
	f->hash = hash_of(f->path);
	return f;
}

static struct log_file **bucket(struct files *files, uint32_t hash)
{
	return &files->buckets[hash % FILE_BUCKETS];
}

struct log_file *files_find(struct files *files, const char *path)
{
	uint32_t hash = hash_of(path);
	struct log_file *f = *bucket(files, hash);

	while (f && (f->hash != hash || f->given || strcmp(f->path, path) != 0)) {
		f = f->next_in_bucket;
	}
	return f;
}

static struct log_file *find_inode(struct files *files, dev_t dev, ino_t ino)
{
	struct log_file *f = files->head;

	while (f && (f->dev != dev || f->ino != ino)) {
		f = f->next;
	}
	return f;
}

/* The same pipe or terminal by another name: what goes there goes through one object. */
struct log_file *files_find_special(struct files *files, dev_t dev, ino_t ino)
{
	struct log_file *f = files->head;

	while (f && (!f->special || f->dev != dev || f->special_ino != ino)) {
		f = f->next;
	}
	return f;
}

static struct log_file *share(struct log_file *f, const struct rotation *rotation)
{
	f->rotation = *rotation;
	f->users++;
	return f;
}

static void enter(struct files *files, struct log_file *f)
{
	struct log_file **place = bucket(files, f->hash);

	f->next_in_bucket = *place;
	*place = f;
	f->next = files->head;
	f->link = &files->head;
	if (f->next) {
		f->next->link = &f->next;
	}
	files->head = f;
}

static void leave(struct files *files, struct log_file *f)
{
	struct log_file **at = bucket(files, f->hash);

	while (*at != f) {
		at = &(*at)->next_in_bucket;
	}
	*at = f->next_in_bucket;
	*f->link = f->next;
	if (f->next) {
		f->next->link = f->link;
	}
}

static int add(struct files *files, struct log_file *f, struct log_file **ret)
{
	struct log_file *same;
	int r = f->fd >= 0 || f->owner.late ? 0 : file_open(f);

	same = r < 0	    ? NULL
	       : f->special ? files_find_special(files, f->dev, f->special_ino)
	       : f->ino	    ? find_inode(files, f->dev, f->ino)
			    : NULL;
	if (same) {
		*ret = share(same, &f->rotation);
		file_free(f);
		return 0;
	}
	f->users = 1;
	enter(files, f);
	*ret = f;
	return r;
}

int files_get(struct files *files, const char *path, int fd, const struct rotation *rotation,
	      const struct file_owner *owner, struct log_file **ret)
{
	/* What a descriptor is goes by its inode: the same name may mean another one today. */
	struct log_file *f = fd < 0 ? files_find(files, path) : NULL;
	int r;

	*ret = NULL;
	if (f) {
		*ret = share(f, rotation);
		return 0;
	}
	if (strlen(path) >= LOG_NOTE_PATH_MAX) {
		cleanup_closep(&fd);
		return -ENAMETOOLONG;
	}
	f = file_new(path, fd >= 0, rotation, owner);
	if (!f) {
		cleanup_closep(&fd);
		return -ENOMEM;
	}
	if (fd >= 0) {
		r = adopt(f, fd);
		if (r < 0) {
			file_free(f);
			return r;
		}
	}
	return add(files, f, ret);
}

void files_put(struct files *files, struct log_file *f)
{
	if (f && --f->users == 0) {
		leave(files, f);
		file_free(f);
	}
}

/* ---- writing */

int file_size(const struct log_file *f, uint64_t *ret)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0) {
		return -errno;
	}
	*ret = (uint64_t)st.st_size;
	return 0;
}

int file_append(struct log_file *f, const char *data, size_t n, size_t *ret_done)
{
	size_t done = 0;
	int r = 0;

	while (done < n) {
		ssize_t k = write(f->fd, data + done, n - done);

		if (k > 0) {
			done += (size_t)k;
		} else if (k == 0 || errno != EINTR) {
			r = k == 0 ? -EIO : -errno;
			break;
		}
	}
	*ret_done = done;
	return r;
}

size_t file_cut_torn(struct log_file *f, uint64_t size)
{
	static char tail[FILE_TORN_MAX];
	size_t n = size < sizeof(tail) ? (size_t)size : sizeof(tail);
	ssize_t got = pread(f->fd, tail, n, (off_t)(size - n));
	size_t end;

	if (got != (ssize_t)n) {
		return 0;
	}
	end = lines_last_end(tail, n);
	if (end == n || (end == 0 && n < size) || ftruncate(f->fd, (off_t)(size - n + end)) < 0) {
		return 0;
	}
	return n - end;
}

bool file_gone(struct log_file *f, usec_t now)
{
	struct stat mine, there;

	if (f->fd < 0 || !f->ino || f->given || f->reopen || fstat(f->fd, &mine) < 0) {
		return false;
	}
	if (now < f->look_at && (mine.st_nlink > 0 || f->gone_told)) {
		return false;
	}
	f->look_at = usec_add(now, FILE_LOOK_US);
	if (lstat(f->path, &there) < 0) {
		return errno == ENOENT || errno == ENOTDIR;
	}
	return there.st_dev != mine.st_dev || there.st_ino != mine.st_ino;
}

bool file_at_line_end(const struct log_file *f)
{
	uint64_t size;
	char c;

	return file_size(f, &size) < 0 || size == 0 || pread(f->fd, &c, 1, (off_t)size - 1) != 1 ||
	       c == '\n';
}

int file_clear(struct log_file *f)
{
	return f->ino && ftruncate(f->fd, 0) < 0 ? -errno : 0;
}

int file_clear_path(const char *path)
{
	auto_close int fd = open_by_path(path, O_WRONLY, 0);

	return fd < 0 ? fd : ftruncate(fd, 0) < 0 ? -errno : 0;
}

/* ---- rotating */

/* Is there something of that name that is to be moved? For the file itself: only if it is this
 * one; a predecessor may have moved it, or someone who took it away. */
static bool shift_wanted(const struct log_file *f, unsigned i, int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) == 0 &&
	       (i > 0 || (st.st_ino == f->ino && st.st_dev == f->dev));
}

int file_shift(struct log_file *f, unsigned i)
{
	char from[PATH_MAX], to[PATH_MAX];
	const char *name;
	auto_close int dir = links_open_directory(f->path, &name);

	if (dir < 0) {
		return dir == -ENOENT ? 0 : dir;
	}
	if (rotation_name(name, i, from, sizeof(from)) < 0 ||
	    rotation_name(name, i + 1, to, sizeof(to)) < 0) {
		return -ENAMETOOLONG;
	}
	if (!shift_wanted(f, i, dir, from)) {
		return 0;
	}
	/* Only the last backup is ever in the way. Removed first: a rename onto a file makes ext4
	 * write out what is moved (auto_da_alloc), which no log needs. */
	if (i + 1 == f->rotation.backups) {
		(void)freer_unlink(dir, to);
	}
	return renameat(dir, from, dir, to) < 0 && errno != ENOENT ? -errno : 0;
}

int file_renew(struct log_file *f)
{
	return f->rotation.backups == 0 ? file_clear(f) : file_open(f);
}

int file_rotate(struct log_file *f)
{
	int r = 0;

	for (unsigned i = f->rotation.backups; r == 0 && i > 0; i--) {
		r = file_shift(f, i - 1);
	}
	return r < 0 ? r : file_renew(f);
}
