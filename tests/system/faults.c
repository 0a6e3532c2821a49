/*
 * Preloaded into slotd, its helpers and slotctl: lets their n-th call fail, or take its time. The
 * test says which in a file, $LD_FAULTS, that all of them map (harness/faults.py has the same
 * layout; the name begins with LD_ because slotd passes such variables on to its helpers). Also the
 * wall clock that they see is set by it. What a process forks counts with it until it executes
 * something else.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	ROWS = 15,
	/* kinds */
	MEMORY = 1,
	WATCH = 2,	/* epoll_ctl, EPOLL_CTL_ADD */
	DESCRIPTOR = 4, /* whatever makes one */
	PROCESS = 8,
	OUTPUT = 16, /* to files: write, pwrite, fallocate, fsync */
	GROWTH = 32, /* memory for libev */
};

struct row {
	char name[16]; /* of the program */
	uint32_t kinds;
	int32_t error; /* 0: the call is not refused, but waits */
	int64_t at;    /* the first call that fails; 0: none does */
	int64_t span;  /* so many of them fail */
	int64_t count, fired;
	int64_t delay; /* microseconds */
	int64_t pid;   /* who has begun last */
};

struct page {
	int64_t clock; /* seconds that the wall clock is ahead */
	struct row rows[ROWS];
};

static struct page *page;
static struct row *mine;
static bool tracing, spared, for_libev;

typedef long syscall_fn(long nr, ...);

static syscall_fn *real_syscall;
static pid_t (*real_fork)(void);

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *ptr, size_t size);

static void find_real(void)
{
	*(void **)&real_syscall = dlsym(RTLD_NEXT, "syscall");
	*(void **)&real_fork = dlsym(RTLD_NEXT, "fork");
}

/* As syscall(2), before it is replaced below. */
static long call(long nr, long a, long b, long c, long d, long e, long f)
{
	if (!real_syscall) {
		find_real();
	}
	return real_syscall(nr, a, b, c, d, e, f);
}

/* Where we are; libgcc, which it needs, is loaded by the first call. */
static void trace(const char *why)
{
	void *frames[24];
	int n = backtrace(frames, 24);

	(void)call(SYS_write, 2, (long)why, (long)strlen(why), 0, 0, 0);
	backtrace_symbols_fd(frames, n, 2);
}

static void on_crash(int signo)
{
	trace("crashed at:\n");
	(void)signal(signo, SIG_DFL);
	(void)raise(signo);
}

static void begin_tracing(void)
{
	void *frame;

	tracing = getenv("LD_FAULTS_TRACE") != NULL;
	if (tracing) {
		(void)backtrace(&frame, 1);
		(void)signal(SIGSEGV, on_crash);
		(void)signal(SIGABRT, on_crash);
	}
}

#define CALL4(nr, a, b, c, d) call(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("LD_FAULTS");
	int fd = path ? (int)CALL4(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
	void *map = fd < 0 ? MAP_FAILED
			   : mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0) {
		(void)CALL4(SYS_close, fd, 0, 0, 0);
	}
	if (map == MAP_FAILED) {
		return;
	}
	page = map;
	begin_tracing();
	for (int i = 0; i < ROWS; i++) {
		if (strncmp(page->rows[i].name, program_invocation_short_name, 15) == 0 &&
		    page->rows[i].name[0]) {
			mine = &page->rows[i];
			mine->pid = getpid();
		}
	}
}

/* libseccomp 2.5 crashes in it without memory; a helper that starts is then started again. */
int seccomp_load(void *filter);

int seccomp_load(void *filter)
{
	int (*real)(void *);
	int r;

	*(void **)&real = dlsym(RTLD_NEXT, "seccomp_load");
	spared = true;
	r = real(filter);
	spared = false;
	return r;
}

static void rest(int64_t microseconds)
{
	struct timespec t = {microseconds / 1000000, microseconds % 1000000 * 1000};

	while (CALL4(SYS_nanosleep, &t, &t, 0, 0) < 0) {
	}
}

/* True, and errno is set, when the call must fail. */
static bool fails(uint32_t kind)
{
	int64_t n, at;

	if (spared || !mine || !(mine->kinds & kind)) {
		return false;
	}
	n = __atomic_add_fetch(&mine->count, 1, __ATOMIC_RELAXED);
	at = mine->at;
	if (!at || n < at || n - at >= mine->span) {
		return false;
	}
	__atomic_add_fetch(&mine->fired, 1, __ATOMIC_RELAXED);
	if (tracing) {
		trace("fails:\n");
	}
	if (!mine->error) {
		rest(mine->delay);
		return false;
	}
	errno = mine->error;
	return true;
}

/* ---- memory */

void *malloc(size_t size)
{
	return fails(MEMORY) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails(MEMORY) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *ptr, size_t size)
{
	return size && (fails(MEMORY) || (for_libev && fails(GROWTH))) ? NULL
								       : __libc_realloc(ptr, size);
}

typedef void *allocator(void *ptr, long size);

static allocator *libevs;

static void *allocate_for_libev(void *ptr, long size)
{
	void *block;

	for_libev = true;
	block = libevs(ptr, size);
	for_libev = false;
	return block;
}

void ev_set_allocator(allocator *allocate);

void ev_set_allocator(allocator *allocate)
{
	void (*real)(allocator *);

	*(void **)&real = dlsym(RTLD_NEXT, "ev_set_allocator");
	libevs = allocate;
	real(allocate_for_libev);
}

/* ---- descriptors */

#define FAIL_OR(kind, nr, a, b, c, d) (fails(kind) ? -1 : (int)CALL4(nr, a, b, c, d))

static int open_at(int dir, const char *path, int flags, va_list ap)
{
	int mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, int) : 0;

	return FAIL_OR(DESCRIPTOR, SYS_openat, dir, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list ap;
	int r;

	va_start(ap, flags);
	r = open_at(AT_FDCWD, path, flags, ap);
	va_end(ap);
	return r;
}

int openat64(int dir, const char *path, int flags, ...)
{
	va_list ap;
	int r;

	va_start(ap, flags);
	r = open_at(dir, path, flags, ap);
	va_end(ap);
	return r;
}

int socket(int domain, int type, int protocol)
{
	return FAIL_OR(DESCRIPTOR, SYS_socket, domain, type, protocol, 0);
}

int socketpair(int domain, int type, int protocol, int ends[2])
{
	return FAIL_OR(DESCRIPTOR, SYS_socketpair, domain, type, protocol, ends);
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	return FAIL_OR(DESCRIPTOR, SYS_accept4, fd, addr, len, flags);
}

int pipe2(int ends[2], int flags)
{
	return FAIL_OR(DESCRIPTOR, SYS_pipe2, ends, flags, 0, 0);
}

int memfd_create(const char *name, unsigned flags)
{
	return FAIL_OR(DESCRIPTOR, SYS_memfd_create, name, flags, 0, 0);
}

int epoll_create1(int flags)
{
	return FAIL_OR(DESCRIPTOR, SYS_epoll_create1, flags, 0, 0, 0);
}

int eventfd(unsigned count, int flags)
{
	return FAIL_OR(DESCRIPTOR, SYS_eventfd2, count, flags, 0, 0);
}

int timerfd_create(int clock, int flags)
{
	return FAIL_OR(DESCRIPTOR, SYS_timerfd_create, clock, flags, 0, 0);
}

int epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
	return op == EPOLL_CTL_ADD && fails(WATCH) ? -1
						   : (int)CALL4(SYS_epoll_ctl, set, op, fd, event);
}

/* ---- processes */

pid_t fork(void)
{
	if (!real_fork) {
		find_real();
	}
	return fails(PROCESS) ? -1 : real_fork();
}

long syscall(long nr, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++) {
		a[i] = va_arg(ap, long);
	}
	va_end(ap);
	if (((nr == SYS_clone3 || nr == SYS_clone) && fails(PROCESS)) ||
	    (nr == SYS_pidfd_open && fails(DESCRIPTOR))) {
		return -1;
	}
	return call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- output */

static bool is_file(int fd)
{
	return CALL4(SYS_lseek, fd, 0, SEEK_CUR, 0) >= 0;
}

ssize_t write(int fd, const void *data, size_t len)
{
	return is_file(fd) && fails(OUTPUT) ? -1 : CALL4(SYS_write, fd, data, len, 0);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
{
	return fails(OUTPUT) ? -1 : CALL4(SYS_pwrite64, fd, data, len, at);
}

int fallocate64(int fd, int mode, off_t from, off_t size)
{
	return FAIL_OR(OUTPUT, SYS_fallocate, fd, mode, from, size);
}

int fsync(int fd)
{
	return FAIL_OR(OUTPUT, SYS_fsync, fd, 0, 0, 0);
}

/* ---- the wall clock */

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int r = (int)CALL4(SYS_clock_gettime, clock, t, 0, 0);

	if (clock == CLOCK_REALTIME && page) {
		t->tv_sec += page->clock;
	}
	return r;
}

time_t time(time_t *ret)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (ret) {
		*ret = t.tv_sec;
	}
	return t.tv_sec;
}

/* One that is to be told of a step looks at the clock five times a second instead. */
int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *before)
{
	const struct itimerspec soon = {.it_value = {.tv_nsec = 200000000}};

	if (flags & TFD_TIMER_CANCEL_ON_SET) {
		return (int)CALL4(SYS_timerfd_settime, fd, 0, &soon, before);
	}
	return (int)CALL4(SYS_timerfd_settime, fd, flags, value, before);
}
