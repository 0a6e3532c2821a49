#include <slotd/cleanup.h>
#include <slotd/os.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	INHERITED_MAX = 1024,
	STACK_RESERVE = 512 * 1024, /* several messages (slotd/message.h), one in another's work */
	STACK_KEEP = 16 * 1024,	    /* in use, or soon */
};

/* Numbers beyond are no one's choice: shells know one digit. */
static uint64_t inherited[INHERITED_MAX / 64];

static void note_inherited(void)
{
	for (unsigned fd = 3; fd < INHERITED_MAX; fd++) {
		if (fcntl((int)fd, F_GETFD) >= 0) {
			inherited[fd / 64] |= UINT64_C(1) << fd % 64;
		}
	}
}

bool os_inherited(int fd)
{
	return fd >= 0 && fd < INHERITED_MAX && inherited[fd / 64] >> fd % 64 & 1;
}

int os_take_inherited(int fd)
{
	if (!os_inherited(fd)) {
		return -EBADF;
	}
	inherited[fd / 64] &= ~(UINT64_C(1) << fd % 64);
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -EBADF : fd;
}

void os_pass_inherited(void)
{
	for (int fd = 0; fd < INHERITED_MAX; fd++) {
		if (os_inherited(fd)) {
			(void)fcntl(fd, F_SETFD, 0);
		}
	}
}

/* Before Linux 5.11 there is no CLOSE_RANGE_CLOEXEC. */
static int sweep(void)
{
	DIR *dir = opendir("/proc/self/fd");

	if (!dir) {
		return -errno;
	}
	for (struct dirent *e; (e = readdir(dir));) {
		int fd = atoi(e->d_name);

		if (fd > STDERR_FILENO) {
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		}
	}
	(void)closedir(dir);
	return 0;
}

int os_adopt_descriptors(void)
{
	for (int fd = 0; fd < 3; fd++) {
		/* open takes the lowest free number, which is fd as those below exist */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
			return -errno;
		}
	}
	note_inherited();
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0) {
		return sweep();
	}
	return 0;
}

void os_defer_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* cannot fail */
}

int os_become_subreaper(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL) < 0 ? -errno : 0;
}

void os_come_first(void)
{
	enum {
		NICE = -10,
	};
	const struct sched_param none = {0};

	/* Without the reset workers would be as nice (sched(7)): both or neither. */
	if (getpriority(PRIO_PROCESS, 0) == 0 &&
	    (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_OTHER &&
	    sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) == 0) {
		(void)setpriority(PRIO_PROCESS, 0, NICE);
	}
}

int os_raise_limit(int resource, uint64_t min, bool all, uint64_t *ret)
{
	struct rlimit limit, wanted;

	if (getrlimit((__rlimit_resource_t)resource, &limit) < 0) {
		return -errno;
	}
	wanted = limit;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < min) {
		wanted.rlim_max = min;
	}
	if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < min) {
		wanted.rlim_cur = min;
	}
	if (all) {
		wanted.rlim_cur = wanted.rlim_max;
	}
	if (wanted.rlim_cur == limit.rlim_cur) {
		return 0;
	}
	if (setrlimit((__rlimit_resource_t)resource, &wanted) < 0) {
		return -errno;
	}
	*ret = wanted.rlim_cur;
	return 1;
}

static struct {
	bool noted;
	rlim_t soft, min;
} files;

void os_note_limits(uint64_t min)
{
	struct rlimit limit;

	files.noted = getrlimit(RLIMIT_NOFILE, &limit) == 0;
	files.soft = limit.rlim_cur;
	files.min = min;
}

static void set_soft(rlim_t soft)
{
	struct rlimit limit;

	if (files.noted && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* lowering is always allowed */
	}
}

static rlim_t soft_of_children(void)
{
	return files.soft > files.min ? files.soft : files.min;
}

void os_child_limits(struct rlimit ret[RLIM_NLIMITS])
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		(void)getrlimit((__rlimit_resource_t)i, &ret[i]); /* cannot fail */
	}
	if (files.noted) {
		struct rlimit *limit = &ret[RLIMIT_NOFILE];
		rlim_t soft = soft_of_children();

		limit->rlim_cur = soft < limit->rlim_max ? soft : limit->rlim_max;
	}
}

void os_restore_limits(void)
{
	set_soft(files.soft);
}

int os_pipe_of(uid_t uid, gid_t gid, int ret_ends[2])
{
	if (pipe2(ret_ends, O_CLOEXEC) < 0) {
		return -errno;
	}
	if (uid != (uid_t)-1 && uid != geteuid()) {
		/* Both ends are one inode. Without CAP_CHOWN the descriptors work all the same. */
		(void)!fchown(ret_ends[0], uid, gid);
	}
	return 0;
}

/* A frame of its own: it is below every other one, and gone when its pages are given back. */
static __attribute__((noinline, no_sanitize_address)) uintptr_t touch_stack(void)
{
	char room[STACK_RESERVE];

	room[0] = 0;
	__asm__ volatile("" : : "r"(room) : "memory"); /* it is not to be left out */
	return (uintptr_t)__builtin_frame_address(0) - STACK_RESERVE;
}

void os_reserve_stack(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from, to;
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur < 2 * STACK_RESERVE) {
		return; /* to touch it would be the SIGSEGV */
	}
	from = (touch_stack() + page - 1) / page * page;
	to = ((uintptr_t)__builtin_frame_address(0) - STACK_KEEP) / page * page;
	if (from < to) {
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
}

/* What follows the name in /proc/PID/stat: the name may hold blanks and parentheses. */
static const char *read_stat(pid_t pid, char *buf, size_t size)
{
	auto_close int fd = -EBADF;
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buf, size - 1);
	if (n <= 0) {
		return NULL;
	}
	buf[n] = '\0';
	return strrchr(buf, ')');
}

uint64_t process_ticks_now(void)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts); /* cannot fail */
	return (uint64_t)ts.tv_sec * hz + (uint64_t)ts.tv_nsec * hz / 1000000000;
}

uint64_t process_start_ticks(pid_t pid)
{
	char buf[1024];
	const char *at = read_stat(pid, buf, sizeof(buf));
	unsigned long long ticks = 0;

	/* from field 3 on: state ppid ... starttime is field 22 */
	if (!at || sscanf(at + 1,
			  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			  "%*d %*d %llu",
			  &ticks) != 1) {
		return 0;
	}
	return ticks;
}

bool process_alive(pid_t pid)
{
	char buf[1024];
	const char *at = read_stat(pid, buf, sizeof(buf));

	return at && at[1] && at[2] != 'Z' && at[2] != 'X';
}

/* It is told to who could trace the process: of others it is 0. */
static bool may_know_status(pid_t pid)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return geteuid() == 0 || (stat(path, &st) == 0 && st.st_uid == geteuid());
}

int process_zombie_status(pid_t pid, uint64_t start_ticks, int *ret_status)
{
	char buf[1024];
	const char *at, *last;

	if (!may_know_status(pid) || process_start_ticks(pid) != start_ticks) {
		return -ESRCH;
	}
	at = read_stat(pid, buf, sizeof(buf));
	last = at ? strrchr(at, ' ') : NULL; /* field 52 */
	if (!last || at[2] != 'Z' || sscanf(last, "%d", ret_status) != 1) {
		return -ESRCH;
	}
	return 0;
}

char process_state(pid_t pid)
{
	char buf[1024];
	const char *at = read_stat(pid, buf, sizeof(buf));

	return at && at[1] ? at[2] : '\0';
}

pid_t process_parent(pid_t pid)
{
	char buf[1024];
	const char *at = read_stat(pid, buf, sizeof(buf));
	int parent = 0;

	return at && sscanf(at + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool is_one_of(const char *link, const unsigned long *inodes, size_t n)
{
	unsigned long inode;

	if (sscanf(link, "socket:[%lu]", &inode) != 1) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (inodes[i] == inode) {
			return true;
		}
	}
	return false;
}

bool process_holds_socket(pid_t pid, const unsigned long *inodes, size_t n)
{
	char path[64], link[64];
	struct dirent *e;
	bool found = false;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);

		if (len > 0) {
			link[len] = '\0';
			found = is_one_of(link, inodes, n);
		}
	}
	if (dir) {
		(void)closedir(dir);
	}
	return found;
}

const char *process_comm(pid_t pid, char *buf, size_t size)
{
	char stat[1024];
	const char *end = read_stat(pid, stat, sizeof(stat));
	const char *begin = end ? strchr(stat, '(') : NULL;

	if (!begin) {
		(void)snprintf(buf, size, "?");
	} else {
		(void)snprintf(buf, size, "%.*s", (int)(end - begin - 1), begin + 1);
	}
	return buf;
}

int os_make_directories(const char *path, mode_t mode)
{
	char part[PATH_MAX];

	if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part)) {
		return -ENAMETOOLONG;
	}
	for (char *p = part + 1; *p; p++) {
		if (*p == '/') {
			*p = '\0';
			if (mkdir(part, 0755) < 0 && errno != EEXIST) {
				return -errno;
			}
			*p = '/';
		}
	}
	return mkdir(part, mode) < 0 && errno != EEXIST ? -errno : 0;
}

static int realtime_signal(const char *name)
{
	const struct {
		const char *prefix;
		int signo;
	} ends[] = {{"RTMIN", SIGRTMIN}, {"RTMAX", SIGRTMAX}};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t len = strlen(ends[i].prefix);

		if (strncasecmp(name, ends[i].prefix, len) == 0) {
			char *end;
			long signo = ends[i].signo + strtol(name + len, &end, 10);

			return !*end && signo >= SIGRTMIN && signo <= SIGRTMAX ? (int)signo
									       : -EINVAL;
		}
	}
	return -EINVAL;
}

int signal_number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end != text && !*end) {
		return n > 0 && n <= SIGRTMAX ? (int)n : -EINVAL;
	}
	if (strncasecmp(text, "SIG", 3) == 0) {
		text += 3;
	}
	for (int s = 1; s < SIGRTMIN; s++) {
		const char *name = sigabbrev_np(s);

		if (name && strcasecmp(name, text) == 0) {
			return s;
		}
	}
	return realtime_signal(text);
}
