#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

static struct {
	unsigned at, counted, classes;
	int paused;
	int error;
	const char *fired;
} faults;

static const struct {
	int error;
	unsigned classes;
} can_fail[] = {
	{ENOMEM, FAULT_ALLOC | FAULT_OPEN | FAULT_KERNEL | FAULT_SPAWN},
	{EMFILE, FAULT_OPEN | FAULT_SPAWN},
	{ENFILE, FAULT_OPEN},
	{ENOSPC, FAULT_FILE | FAULT_KERNEL | FAULT_CHILD},
	{EAGAIN, FAULT_WRITE | FAULT_READ | FAULT_SPAWN},
	{EINTR, FAULT_WRITE | FAULT_READ | FAULT_WAIT | FAULT_FILE},
	{EIO, FAULT_FILE | FAULT_CHILD},
	{EACCES, FAULT_FILE},
};

void faults_arm(unsigned n, int error)
{
	memset(&faults, 0, sizeof(faults));
	faults.paused = 1;
	faults.at = n;
	faults.error = error;
	for (size_t i = 0; i < sizeof(can_fail) / sizeof(can_fail[0]); i++) {
		if (can_fail[i].error == error) {
			faults.classes = can_fail[i].classes;
		}
	}
}

void faults_disarm(void)
{
	faults.classes = 0;
}

void faults_pause(bool on)
{
	faults.paused += on ? 1 : -1;
}

unsigned faults_counted(void)
{
	return faults.counted;
}

const char *faults_fired(void)
{
	return faults.fired;
}

bool fault(unsigned classes, const char *what)
{
	if (faults.paused || !(classes & faults.classes)) {
		return false;
	}
	if (++faults.counted != faults.at) {
		return false;
	}
	faults.fired = what;
	errno = faults.error;
	return true;
}

/* ---- the calls: ld --wrap sends each here */

#define WRAP(type, failed, classes, name, params, args)                     \
	type __real_##name params;                                          \
	type __wrap_##name params;                                          \
	type __wrap_##name params                                           \
	{                                                                   \
		return fault(classes, #name) ? failed : __real_##name args; \
	}

WRAP(void *, NULL, FAULT_ALLOC, malloc, (size_t n), (n))
WRAP(void *, NULL, FAULT_ALLOC, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, NULL, FAULT_ALLOC, realloc, (void *p, size_t n), (p, n))
WRAP(char *, NULL, FAULT_ALLOC, strdup, (const char *s), (s))
WRAP(char *, NULL, FAULT_ALLOC, strndup, (const char *s, size_t n), (s, n))
WRAP(DIR *, NULL, FAULT_OPEN, opendir, (const char *path), (path))
WRAP(int, -1, FAULT_OPEN, pipe2, (int ends[2], int flags), (ends, flags))
WRAP(int, -1, FAULT_OPEN, socket, (int family, int type, int protocol), (family, type, protocol))
WRAP(int, -1, FAULT_OPEN, socketpair, (int family, int type, int protocol, int ends[2]),
     (family, type, protocol, ends))
WRAP(int, -1, FAULT_OPEN, memfd_create, (const char *name, unsigned flags), (name, flags))
WRAP(int, -1, FAULT_OPEN, epoll_create1, (int flags), (flags))
WRAP(int, -1, FAULT_OPEN, inotify_init1, (int flags), (flags))
WRAP(int, -1, FAULT_OPEN, timerfd_create, (int clock, int flags), (clock, flags))
WRAP(int, -1, FAULT_KERNEL, epoll_ctl, (int ep, int op, int fd, struct epoll_event *e),
     (ep, op, fd, e))
WRAP(int, -1, FAULT_KERNEL, inotify_add_watch, (int fd, const char *path, uint32_t mask),
     (fd, path, mask))
WRAP(void *, MAP_FAILED, FAULT_KERNEL, mmap64,
     (void *at, size_t len, int prot, int flags, int fd, off_t offset),
     (at, len, prot, flags, fd, offset))
WRAP(int, -1, FAULT_FILE, ftruncate64, (int fd, off_t size), (fd, size))
WRAP(int, -1, FAULT_FILE, fallocate64, (int fd, int mode, off_t from, off_t size),
     (fd, mode, from, size))
WRAP(int, -1, FAULT_FILE, rename, (const char *from, const char *to), (from, to))
WRAP(int, -1, FAULT_FILE, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, -1, FAULT_FILE, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(ssize_t, -1, FAULT_WRITE, write, (int fd, const void *data, size_t n), (fd, data, n))
WRAP(ssize_t, -1, FAULT_WRITE, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
WRAP(ssize_t, -1, FAULT_READ, read, (int fd, void *data, size_t n), (fd, data, n))
WRAP(ssize_t, -1, FAULT_READ, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	(void)fd;
	return fault(FAULT_FILE, "fsync") ? -1 : 0; /* no test waits for a disk */
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & O_CREAT) {
		mode = va_arg(ap, mode_t);
	}
	va_end(ap);
	return fault(FAULT_OPEN | (flags & O_CREAT ? FAULT_FILE : 0u), "open")
		       ? -1
		       : __real_open64(path, flags, mode);
}

int __real_fcntl64(int fd, int what, ...);
int __wrap_fcntl64(int fd, int what, ...);
int __wrap_fcntl64(int fd, int what, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, what);
	arg = va_arg(ap, void *);
	va_end(ap);
	return (what == F_DUPFD || what == F_DUPFD_CLOEXEC) &&
			       fault(FAULT_OPEN,
				     fd == STDIN_FILENO ? FAULT_RESERVE : "fcntl(F_DUPFD)")
		       ? -1
		       : __real_fcntl64(fd, what, arg);
}

int __real_vasprintf(char **ret, const char *fmt, va_list ap);
int __wrap_asprintf(char **ret, const char *fmt, ...);
int __wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	int r;

	if (fault(FAULT_ALLOC, "asprintf")) {
		return -1;
	}
	va_start(ap, fmt);
	r = vasprintf(ret, fmt, ap);
	va_end(ap);
	return r;
}
