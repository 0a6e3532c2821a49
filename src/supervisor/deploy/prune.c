#include "deploy/prune.h"
#include "deploy/remove_tree.h"

#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <slotd/vec.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HIDDEN_PREFIX ".slotd-removes-"

struct release {
	char name[NAME_MAX + 1];
	long long made; /* nanoseconds */
	bool used;
};

struct run {
	const struct prune *p;
	int dir;
	VEC(struct release) all;
	struct removal removal;
	unsigned n_removed;
	struct strbuf removed; /* their names */
	char why[512];	       /* what went wrong first */
};

static int complain(struct run *r, const char *what, int error)
{
	if (!*r->why) {
		(void)snprintf(r->why, sizeof(r->why), "%s: %s", what, strerrordesc_np(-error));
	}
	return error;
}

/* ---- what is there ---- */

static long long made_at(int dir, const char *name)
{
	struct statx x;

	if (statx(dir, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME | STATX_MTIME, &x) < 0) {
		return 0;
	}
	if (x.stx_mask & STATX_BTIME) {
		return x.stx_btime.tv_sec * 1000000000LL + x.stx_btime.tv_nsec;
	}
	return x.stx_mtime.tv_sec * 1000000000LL + x.stx_mtime.tv_nsec;
}

static bool is_directory(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int list(struct run *r)
{
	const int fd = fcntl(r->dir, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int error = 0;

	if (!dir) {
		error = -errno;
		if (fd >= 0) {
			(void)close(fd);
		}
		return complain(r, r->p->directory, error);
	}
	while (error == 0 && (e = readdir(dir)) && r->all.len < PRUNE_ENTRIES_MAX) {
		struct release one = {.used = false};

		if (e->d_name[0] != '.' && is_directory(r->dir, e->d_name)) {
			(void)snprintf(one.name, sizeof(one.name), "%s", e->d_name);
			one.made = made_at(r->dir, one.name);
			error = vec_push(&r->all, one);
		}
	}
	(void)closedir(dir);
	return error < 0 ? complain(r, r->p->directory, error) : 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct release *x = a, *y = b;

	return x->made != y->made ? (x->made < y->made ? 1 : -1) : -strcmp(x->name, y->name);
}

/* ---- what is used ---- */

static void use(struct run *r, const char *name, size_t len)
{
	vec_for_each (one, &r->all) {
		if (strlen(one->name) == len && memcmp(one->name, name, len) == 0) {
			one->used = true;
		}
	}
}

/* What a path leads to, which may be gone; or a path that the kernel has told. */
static int use_path(struct run *r, const char *base, const char *path)
{
	auto_free char *real = realpath(path, NULL);
	const size_t len = strlen(base);
	const char *at = real ? real : path;

	if (!real && errno != ENOENT && errno != ENOTDIR) {
		return complain(r, path, -errno);
	}
	if (strncmp(at, base, len) == 0 && at[len] == '/') {
		use(r, at + len + 1, strcspn(at + len + 1, "/"));
	}
	return 0;
}

static int mark_used(struct run *r)
{
	auto_free char *base = realpath(r->p->directory, NULL);
	int error = 0;

	if (r->p->unknown) {
		(void)snprintf(r->why, sizeof(r->why), "%s", r->p->unknown);
		return -EACCES;
	}
	if (!base) {
		return complain(r, r->p->directory, -errno);
	}
	for (const char **name = r->p->names; *name; name++) {
		use(r, *name, strlen(*name));
	}
	for (const char **path = r->p->paths; *path && error == 0; path++) {
		error = use_path(r, base, *path);
	}
	return error;
}

/* ---- what goes ---- */

static void remove_hidden(struct run *r, const char *name)
{
	int error = remove_tree(&r->removal, r->dir, name);

	if (error < 0) {
		(void)complain(r, name, error);
	}
}

/* What a former run has not finished. */
static void remove_rest(struct run *r)
{
	const int fd = fcntl(r->dir, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!dir && fd >= 0) {
		(void)close(fd);
	}
	if (dir) {
		rewinddir(dir);
	}
	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, HIDDEN_PREFIX, strlen(HIDDEN_PREFIX)) == 0) {
			remove_hidden(r, e->d_name);
		}
	}
	if (dir) {
		(void)closedir(dir);
	}
}

static void remove_release(struct run *r, const struct release *one)
{
	char hidden[sizeof(HIDDEN_PREFIX) + NAME_MAX];

	(void)snprintf(hidden, sizeof(hidden), HIDDEN_PREFIX "%.*s",
		       (int)(NAME_MAX - strlen(HIDDEN_PREFIX)), one->name);
	if (renameat(r->dir, one->name, r->dir, hidden) < 0) {
		(void)complain(r, one->name, -errno);
		return;
	}
	(void)strbuf_addf(&r->removed, "%s%s", r->n_removed ? ", " : "", one->name);
	r->n_removed++;
	remove_hidden(r, hidden);
}

static void remove_oldest(struct run *r)
{
	if (r->all.len) {
		qsort(r->all.at, r->all.len, sizeof(*r->all.at), newest_first);
	}
	for (size_t i = r->p->keep; i < r->all.len && r->n_removed < PRUNE_RELEASES_MAX; i++) {
		if (!r->all.at[i].used) {
			remove_release(r, &r->all.at[i]);
		}
	}
}

int prune_releases(void *data)
{
	struct run r = {.p = data, .removal = {.left = REMOVAL_FILES_MAX}};

	r.dir = open(r.p->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r.dir < 0) {
		(void)complain(&r, r.p->directory, -errno);
	} else if (list(&r) == 0 && mark_used(&r) == 0) {
		remove_rest(&r);
		remove_oldest(&r);
	}
	if (r.n_removed) {
		(void)dprintf(STDOUT_FILENO, "removed %u release%s: %s", r.n_removed,
			      r.n_removed == 1 ? "" : "s", strbuf_str(&r.removed));
	}
	if (*r.why) {
		(void)dprintf(STDOUT_FILENO, "%s%s", r.n_removed ? "; " : "", r.why);
	}
	strbuf_done(&r.removed);
	vec_done(&r.all);
	cleanup_closep(&r.dir);
	return *r.why != '\0';
}
