#include <slotd/trust.h>

#include <slotd/cleanup.h>

#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

enum trust trust_inode(const char *path, const struct stat *st, uid_t us, struct diag *diag)
{
	if (st->st_mode & S_IWOTH) {
		(void)diag_set(diag, -EPERM, "%s can be written by everybody (mode %04o)", path,
			       st->st_mode & 07777U);
		return TRUST_ANYONE;
	}
	if (st->st_uid != 0 && st->st_uid != us) {
		(void)diag_set(diag, -EPERM, "%s belongs to uid %u", path, (unsigned)st->st_uid);
		return TRUST_ONE;
	}
	if ((st->st_mode & S_IWGRP) && st->st_gid != 0) {
		(void)diag_set(diag, -EPERM, "%s can be written by gid %u (mode %04o)", path,
			       (unsigned)st->st_gid, st->st_mode & 07777U);
		return TRUST_ONE;
	}
	return TRUST_OURS;
}

/* In a sticky directory only the owners of file and directory may replace a file. */
static enum trust directory(const char *path, uid_t us, struct diag *diag)
{
	enum trust trust;
	struct stat st;

	if (stat(path, &st) < 0) {
		return TRUST_OURS; /* who could open the file there knows more */
	}
	if (st.st_mode & S_ISVTX) {
		st.st_mode &= ~(mode_t)(S_IWOTH | S_IWGRP);
	}
	trust = trust_inode(path, &st, us, diag);
	return trust == TRUST_ONE ? TRUST_IN_DIRECTORY : trust;
}

/* Every directory of a path, which has no links any more, from its last one up. */
static enum trust directories(char *path, uid_t us, struct diag *diag)
{
	enum trust worst = TRUST_OURS;
	char *slash;

	while ((slash = strrchr(path, '/'))) {
		struct diag why = {0};
		enum trust trust;

		slash[slash == path ? 1 : 0] = '\0';
		trust = directory(path, us, &why);
		if (trust > worst) {
			worst = trust;
			(void)diag_set(diag, -EPERM, "%s", why.text);
		}
		if (slash == path) {
			break;
		}
	}
	return worst;
}

/* Length of the shortest beginning of the path that is a link; 0: there is none. */
static size_t first_link(const char *path)
{
	char part[PATH_MAX];
	struct stat st;

	for (size_t n = 1; path[n - 1]; n++) {
		if (path[n] && path[n] != '/') {
			continue;
		}
		(void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
		if (lstat(part, &st) == 0 && S_ISLNK(st.st_mode)) {
			return n;
		}
	}
	return 0;
}

/* Puts what the link says in its place; n as first_link. False: it is no link any more, or too
 * long. */
static bool follow_link(char path[PATH_MAX], size_t n)
{
	char part[PATH_MAX], target[PATH_MAX], next[PATH_MAX];
	const char *slash;
	ssize_t len;
	int dir;

	(void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
	len = readlink(part, target, sizeof(target) - 1);
	if (len <= 0) {
		return false;
	}
	target[len] = '\0';
	slash = target[0] == '/' ? NULL : strrchr(part, '/');
	dir = slash ? (int)(slash - part) + 1 : 0;
	if (snprintf(next, sizeof(next), "%.*s%s%s", dir, part, target, path + n) >= PATH_MAX) {
		return false;
	}
	(void)snprintf(path, PATH_MAX, "%s", next);
	return true;
}

/* The directories in which the last name of a path lies. */
static enum trust where_it_lies(const char *path, size_t n, uid_t us, struct diag *diag)
{
	char part[PATH_MAX], dir[PATH_MAX + 2], real[PATH_MAX];
	char *slash;

	(void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
	slash = strrchr(part, '/');
	if (slash) {
		slash[1] = '\0';
	}
	if (!realpath(slash ? part : ".", real)) {
		return TRUST_OURS; /* who could open the file there knows more */
	}
	(void)snprintf(dir, sizeof(dir), "%s/", real);
	return directories(dir, us, diag);
}

/* Where the file is, and where each link lies that leads to it. */
static enum trust all_ways(const char *path, uid_t us, struct diag *diag)
{
	enum {
		LINKS_MAX = 40, /* as the kernel follows, path_resolution(7) */
	};
	char now[PATH_MAX];
	size_t n;

	(void)snprintf(now, sizeof(now), "%s", path);
	for (int i = 0; i < LINKS_MAX && (n = first_link(now)); i++) {
		enum trust trust = where_it_lies(now, n, us, diag);

		if (trust != TRUST_OURS || !follow_link(now, n)) {
			return trust;
		}
	}
	return where_it_lies(now, strlen(now), us, diag);
}

enum trust trust_file(const char *path, const struct stat *st, uid_t us, struct diag *diag)
{
	struct diag why = {0};
	enum trust own = trust_inode(path, st, us, diag);
	enum trust above = own < TRUST_ANYONE ? all_ways(path, us, &why) : TRUST_OURS;

	if (above > own) {
		(void)diag_set(diag, -EPERM, "%s", why.text);
	}
	return above > own ? above : own;
}

bool trust_is_in_memory(const char *path)
{
	char at[PATH_MAX];
	struct statfs fs;

	(void)snprintf(at, sizeof(at), "%s", path);
	while (statfs(at, &fs) < 0) {
		char *slash = errno == ENOENT ? strrchr(at, '/') : NULL;

		if (!slash || slash == at) {
			return false;
		}
		*slash = '\0';
	}
	return fs.f_type == TMPFS_MAGIC || (unsigned long)fs.f_type == RAMFS_MAGIC;
}
