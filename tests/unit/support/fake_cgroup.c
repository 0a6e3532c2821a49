#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <slotd/cgroup.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Control groups are directories of a real one, with files that only tests change. */

static char above[128]; /* "": systemd has given none */

int __wrap_cgroup_enter(const char *own);
int __wrap_cgroup_remove(int fd, const char *name);

static const char *file_of(const char *name, const char *file)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s/%s", above, name, file);
	return path;
}

static void write_file(const char *path, const char *text, int flags)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s", path);
}

void fake_cgroups_below(const char *dir)
{
	above[0] = '\0';
	if (dir) {
		(void)snprintf(above, sizeof(above), "%s/cgroup", dir);
		must(mkdir(above, 0755) == 0, "%s", above);
	}
}

void fake_cgroup_put(const char *name, pid_t pid)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d\n", (int)pid);
	(void)mkdir(file_of(name, ""), 0755);
	write_file(file_of(name, "cgroup.events"), "", 0);
	write_file(file_of(name, "cgroup.procs"), text, O_APPEND);
}

void fake_cgroup_empty(const char *name)
{
	write_file(file_of(name, "cgroup.procs"), "", O_TRUNC);
	write_file(file_of(name, "cgroup.events"), "populated 0\n", 0);
}

bool fake_cgroup_there(const char *name)
{
	return access(file_of(name, ""), F_OK) == 0;
}

int __wrap_cgroup_enter(const char *own)
{
	int fd = *above ? open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	(void)own;
	return *above ? fd < 0 ? -errno : fd : -ENOENT;
}

int __wrap_cgroup_remove(int fd, const char *name)
{
	struct stat st;

	(void)fd;
	if (stat(file_of(name, "cgroup.procs"), &st) == 0 && st.st_size > 0) {
		return -EBUSY;
	}
	(void)unlink(file_of(name, "cgroup.procs"));
	(void)unlink(file_of(name, "cgroup.events"));
	return rmdir(file_of(name, "")) < 0 && errno != ENOENT ? -errno : 0;
}
