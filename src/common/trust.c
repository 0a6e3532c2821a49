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

/* Where the name is, and where the file is: a link leads from one to the other. */
static enum trust both_ways(const char *path, uid_t us, struct diag *diag)
{
	char name[PATH_MAX], dir[PATH_MAX + 2], real[PATH_MAX];
	const char *slash = strrchr(path, '/');
	enum trust trust = TRUST_OURS;

	(void)snprintf(name, sizeof(name), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		       slash ? path : ".");
	if (realpath(name, real)) {
		(void)snprintf(dir, sizeof(dir), "%s/", real);
		trust = directories(dir, us, diag);
	}
	if (trust == TRUST_OURS && realpath(path, real)) {
		trust = directories(real, us, diag);
	}
	return trust;
}

enum trust trust_file(const char *path, const struct stat *st, uid_t us, struct diag *diag)
{
	struct diag why = {0};
	enum trust own = trust_inode(path, st, us, diag);
	enum trust above = own < TRUST_ANYONE ? both_ways(path, us, &why) : TRUST_OURS;

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
