#include "orphans.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <slotd/cleanup.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENVIRONMENT_MAX = 128 * 1024, /* of which ours may stand anywhere */
};

/* As much of a file below /proc as fits, with a NUL at the end. Its length, or -1. */
static ssize_t read_proc(int proc, const char *pid, const char *name, char *buf, size_t size)
{
	auto_close int fd = -EBADF;
	char path[64];
	size_t len = 0;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%.16s/%s", pid, name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -1;
	}
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0) {
		len += (size_t)n;
	}
	buf[len] = '\0';
	return (ssize_t)len;
}

static bool is_group_leader(int proc, const char *pid, char *ret_parent, size_t size)
{
	char stat[512], *after;
	int parent, group;

	if (read_proc(proc, pid, "stat", stat, sizeof(stat)) < 0) {
		return false;
	}
	after = strrchr(stat, ')'); /* the name before it may hold anything */
	if (!after || sscanf(after, ") %*c %d %d", &parent, &group) != 2 || group != atoi(pid)) {
		return false;
	}
	(void)snprintf(ret_parent, size, "%d", parent);
	return true;
}

static bool is_cared_for(int proc, const char *parent)
{
	char comm[32] = "";

	(void)read_proc(proc, parent, "comm", comm, sizeof(comm));
	return strcmp(comm, "slotd\n") == 0 || strcmp(comm, "supervisord\n") == 0;
}

static bool has_environment_of_worker(int proc, const char *pid, char *buf)
{
	static const char group[] = "SUPERVISOR_GROUP_NAME=";
	ssize_t len = read_proc(proc, pid, "environ", buf, ENVIRONMENT_MAX);

	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(buf + at) + 1) {
		if (strncmp(buf + at, group, strlen(group)) == 0) {
			return true;
		}
	}
	return false;
}

static void close_dir(DIR **dir)
{
	if (*dir) {
		(void)closedir(*dir);
	}
}

unsigned orphans_count(void)
{
	CLEANUP(close_dir) DIR *dir = opendir("/proc");
	auto_free char *buf = malloc(ENVIRONMENT_MAX);
	struct dirent *entry;
	char parent[16];
	unsigned n = 0;

	while (dir && buf && (entry = readdir(dir)) != NULL) {
		n += isdigit((unsigned char)entry->d_name[0]) &&
		     is_group_leader(dirfd(dir), entry->d_name, parent, sizeof(parent)) &&
		     !is_cared_for(dirfd(dir), parent) &&
		     has_environment_of_worker(dirfd(dir), entry->d_name, buf);
	}
	return n;
}
