#include <slotd/cgroup.h>

#include <slotd/cleanup.h>

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	KILL_ROUNDS = 8, /* without cgroup.kill: what has forked meanwhile is found in the next */
};

/* ---- which one is ours */

/* For version 1 beside version 2, systemd mounts the latter below. */
static const char *mount_point(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC) {
			return places[i];
		}
	}
	return NULL;
}

/* Of a process outside of what is mounted here the path begins with "/..". */
static int read_path(char *path, size_t size)
{
	const char *mount = mount_point();
	char line[PATH_MAX + 8];
	FILE *f = mount ? fopen("/proc/self/cgroup", "re") : NULL;
	int r = -ENOENT;

	while (f && r < 0 && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0 && strncmp(line + 3, "/..", 3) != 0) {
			int n = snprintf(path, size, "%s%s", mount, line + 3);

			r = n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
		}
	}
	if (f) {
		(void)fclose(f);
	}
	return r;
}

static bool is_delegated(const char *path)
{
	static const char *const names[] = {"user.delegate", "trusted.delegate"};
	char value;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (getxattr(path, names[i], &value, 1) == 1 && value == '1') {
			return true;
		}
	}
	return false;
}

/* Its children have the variable, too, and another number. */
static bool started_by_systemd(void)
{
	const char *pid = getenv("SYSTEMD_EXEC_PID");

	return pid && strtol(pid, NULL, 10) == getpid();
}

static int open_directory(int above, const char *name)
{
	int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int cgroup_enter(const char *own)
{
	auto_close int fd = -EBADF;
	auto_close int below = -EBADF;
	char path[PATH_MAX], *slash;
	int r = started_by_systemd() ? read_path(path, sizeof(path)) : -ENOENT;

	if (r < 0) {
		return r;
	}
	if (is_delegated(path)) {
		fd = open_directory(AT_FDCWD, path);
		below = fd < 0 ? fd : cgroup_make(fd, own);
		r = below < 0 ? below : cgroup_join(below);
		return r < 0 ? r : TAKE_FD(fd);
	}
	/* A slotd before this one has moved the process already, or DelegateSubgroup= has. */
	slash = strrchr(path, '/');
	*slash = '\0';
	return is_delegated(path) ? open_directory(AT_FDCWD, path) : -ENOENT;
}

/* ---- those below it */

int cgroup_make(int above, const char *name)
{
	if (mkdirat(above, name, 0755) < 0 && errno != EEXIST) {
		return -errno;
	}
	return open_directory(above, name);
}

static int write_file(int group, const char *name, const char *text)
{
	auto_close int fd = openat(group, name, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cgroup_join(int group)
{
	return write_file(group, "cgroup.procs", "0");
}

int cgroup_remove(int above, const char *name)
{
	return unlinkat(above, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int cgroup_pids(int above, const char *name, pid_t *ret, unsigned max)
{
	auto_close int group = open_directory(above, name);
	int fd = group < 0 ? group : openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC), n = 0;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char line[32];

	if (!f) {
		n = group < 0 ? group : -errno;
		cleanup_closep(&fd);
		return n;
	}
	while (fgets(line, sizeof(line), f)) {
		if ((unsigned)n < max) {
			ret[n] = (pid_t)strtol(line, NULL, 10);
		}
		n++;
	}
	(void)fclose(f);
	return n;
}

/* Before Linux 5.14. */
static int kill_each(int above, const char *name)
{
	pid_t pids[256];
	int n = 0;

	for (int round = 0; round < KILL_ROUNDS; round++) {
		n = cgroup_pids(above, name, pids, ARRAY_SIZE(pids));
		for (int i = 0; i < n && i < (int)ARRAY_SIZE(pids); i++) {
			if (pids[i] > 0) { /* 0: of another pid namespace */
				(void)kill(pids[i], SIGKILL);
			}
		}
		if (n <= 0) {
			break;
		}
	}
	return n < 0 ? n : 0;
}

int cgroup_kill(int above, const char *name)
{
	auto_close int group = open_directory(above, name);
	int r = group < 0 ? group : write_file(group, "cgroup.kill", "1");

	if (group >= 0 && r == -ENOENT) {
		r = kill_each(above, name);
	}
	return r == -ENOENT ? 0 : r;
}

int cgroup_watch(int inotify_fd, int above, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "/proc/self/fd/%d/%s/cgroup.events", above, name);
	int watch = n < (int)sizeof(path) ? inotify_add_watch(inotify_fd, path, IN_MODIFY) : -1;

	return watch < 0 ? -errno : watch;
}
