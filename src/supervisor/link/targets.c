#include "link/targets.h"

#include <slotd/cleanup.h>
#include <slotd/os.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

/*
 * Logs whose name means a descriptor. slotd-log can open none of them: its /dev/stdout is its own,
 * a socket has no name to open, and it has no right to look into other processes. So it is given a
 * duplicate, which shares the file's position with whoever else writes there.
 */

static int check_writable(int fd, const char *name, struct diag *diag)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0) {
		return diag_set_errno(diag, -errno, "%s", name);
	}
	return (flags & O_ACCMODE) == O_RDONLY || flags & O_PATH
		       ? diag_set(diag, -EBADF, "%s is not open for writing", name)
		       : 0;
}

static int own(int n, struct diag *diag)
{
	char name[64];
	int fd, r;

	(void)snprintf(name, sizeof(name), "descriptor %d of slotd", n);
	if (n > STDERR_FILENO && !os_inherited(n)) {
		return diag_set(diag, -EBADF, "slotd was not started with a descriptor %d", n);
	}
	r = check_writable(n, name, diag);
	if (r < 0) {
		return r;
	}
	fd = fcntl(n, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? diag_set_errno(diag, -errno, "%s", name) : fd;
}

/* Where it may not be taken, it may perhaps be opened; but no file, whose disk could hang. */
static int reopen(pid_t pid, int n)
{
	char path[64], target[64];
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, n);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0) {
		return -errno;
	}
	target[len] = '\0';
	if (strncmp(target, "pipe:", 5) != 0 && strncmp(target, "/dev/", 5) != 0) {
		return -EPERM;
	}
	fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int others(const struct log_target *t, struct diag *diag)
{
	auto_close int pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0), fd = -EBADF;
	char name[64];
	int r;

	(void)snprintf(name, sizeof(name), "descriptor %d of process %d", t->fd, (int)t->pid);
	if (pidfd < 0) {
		return diag_set_errno(diag, -errno, "%s", name);
	}
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, t->fd, 0);
	if (fd < 0 && (errno == EPERM || errno == ENOSYS)) {
		fd = reopen(t->pid, t->fd);
		if (fd < 0) {
			r = fd;
			fd = -EBADF;
			return diag_set_errno(diag, r, "%s cannot be taken without CAP_SYS_PTRACE",
					      name);
		}
	}
	if (fd < 0) {
		return diag_set_errno(diag, -errno, "%s", name);
	}
	r = check_writable(fd, name, diag);
	return r < 0 ? r : TAKE_FD(fd);
}

int target_open(const struct log_target *t, struct diag *diag)
{
	return t->pid == 0 || t->pid == getpid() ? own(t->fd, diag) : others(t, diag);
}

bool target_is_standard(const struct log_target *t)
{
	return t->found && (t->pid == 0 || t->pid == getpid()) && t->fd <= STDERR_FILENO;
}
