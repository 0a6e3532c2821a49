#include "fake.h"

#include <fcntl.h>
#include <slotd/cleanup.h>
#include <slotd/os.h>
#include <slotd/spawn.h>
#include <slotd/worker.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "faults.h"

struct fake_process fake_processes[FAKE_PROCESSES_MAX];
bool fake_obedient = true, fake_prompt = true, fake_ends_unseen;
struct fake_shell fake_shell;
char fake_story[4096];

enum {
	FAKE_PIDS_FROM = 100000000, /* no pid of a real process, should one ever be signalled */
};
static pid_t last_pid = FAKE_PIDS_FROM;

void fake_tell(const char *fmt, ...)
{
	size_t used = strlen(fake_story);
	va_list ap;

	used += (size_t)snprintf(fake_story + used, sizeof(fake_story) - used, "%s",
				 used ? "; " : "");
	if (used >= sizeof(fake_story)) {
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(fake_story + used, sizeof(fake_story) - used, fmt, ap);
	va_end(ap);
}

/* ---- a process */

static ino_t inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

struct fake_process *fake_process_new(const char *name, int *ret_pidfd)
{
	struct fake_process *p = fake_processes;
	int ends[2];

	while (p->pid) {
		must(++p < fake_processes + FAKE_PROCESSES_MAX, "too many processes");
	}
	must(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "no pidfd");
	*p = (struct fake_process){.pid = ++last_pid,
				   .exit_fd = ends[1],
				   .ino = inode(ends[0]),
				   .report_fd = -EBADF,
				   .stdio = {-EBADF, -EBADF, -EBADF},
				   .channel_fd = -EBADF};
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	*ret_pidfd = ends[0];
	return p;
}

static int copy(int fd)
{
	return fd < 0 ? -EBADF : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void run_shell(struct fake_process *p)
{
	fake_shell.runs++;
	if (fake_shell.says) {
		must(dprintf(p->stdio[1], "%s", fake_shell.says) >= 0, "it cannot say it");
	}
	if (!fake_shell.stays) {
		fake_process_exit(p, fake_shell.code << 8);
	}
}

void fake_process_begin(struct fake_process *p, const int stdio[3], int report_fd)
{
	for (int i = 0; i < 3; i++) {
		p->stdio[i] = copy(stdio[i]);
	}
	p->report_fd = copy(report_fd);
	fake_tell("spawn %s", p->name);
	if (fake_prompt) {
		fake_process_exec(p);
	}
	if (strcmp(p->name, "sh") == 0) {
		run_shell(p);
	}
}

static struct fake_process *newest(bool (*is)(const struct fake_process *, const void *),
				   const void *data)
{
	struct fake_process *found = NULL;

	for (int i = 0; i < FAKE_PROCESSES_MAX; i++) {
		struct fake_process *p = &fake_processes[i];

		if (p->pid && is(p, data) && (!found || p->pid > found->pid)) {
			found = p;
		}
	}
	return found;
}

static bool is_called(const struct fake_process *p, const void *name)
{
	return !p->ended && strcmp(p->name, name) == 0;
}

static bool has_pid(const struct fake_process *p, const void *pid)
{
	return p->pid == *(const pid_t *)pid;
}

static bool has_pidfd(const struct fake_process *p, const void *fd)
{
	return p->ino == inode(*(const int *)fd);
}

static bool is_zombie(const struct fake_process *p, const void *data)
{
	(void)data;
	return p->ended && !p->orphan;
}

struct fake_process *fake_process_find(const char *name)
{
	return newest(is_called, name);
}

struct fake_process *fake_process_of(pid_t pid)
{
	return newest(has_pid, &pid);
}

void fake_process_exec(struct fake_process *p)
{
	cleanup_closep(&p->report_fd);
}

void fake_process_exit(struct fake_process *p, int status)
{
	if (p->ended) {
		return;
	}
	faults_pause(true);
	p->ended = true;
	p->status = status;
	cleanup_closep(&p->report_fd);
	for (int i = 0; i < 3; i++) {
		cleanup_closep(&p->stdio[i]);
	}
	cleanup_closep(&p->channel_fd);
	cleanup_closep(&p->exit_fd);
	if (!p->orphan) {
		fake_loop_signal(SIGCHLD);
	}
	faults_pause(false);
}

static void reap(struct fake_process *p)
{
	cleanup_closep(&p->exit_fd);
	p->pid = 0;
}

unsigned fake_processes_left(void)
{
	unsigned n = 0;

	for (int i = 0; i < FAKE_PROCESSES_MAX; i++) {
		const struct fake_process *p = &fake_processes[i];

		n += p->pid && !(p->orphan && p->ended);
	}
	return n;
}

void fake_processes_inherit(void)
{
	for (int i = 0; i < FAKE_PROCESSES_MAX; i++) {
		if (fake_processes[i].pid && fake_processes[i].ended) {
			reap(&fake_processes[i]);
		}
	}
}

void fake_processes_orphan(void)
{
	fake_processes_inherit();
	for (int i = 0; i < FAKE_PROCESSES_MAX; i++) {
		fake_processes[i].orphan = fake_processes[i].pid != 0;
	}
}

bool fake_process_holds(int fd)
{
	for (int i = 0; i < FAKE_PROCESSES_MAX; i++) {
		const struct fake_process *p = &fake_processes[i];
		const int fds[] = {p->exit_fd,	p->report_fd, p->channel_fd,
				   p->stdio[0], p->stdio[1],  p->stdio[2]};

		for (size_t k = 0; p->pid && k < ARRAY_SIZE(fds); k++) {
			if (fds[k] == fd) {
				return true;
			}
		}
	}
	return false;
}

/* ---- waiting */

int __wrap_waitid(idtype_t type, id_t id, siginfo_t *si, int options);

static void fill(siginfo_t *si, const struct fake_process *p)
{
	si->si_pid = p->pid;
	si->si_signo = SIGCHLD;
	si->si_code = WIFSIGNALED(p->status) ? CLD_KILLED : CLD_EXITED;
	si->si_status = WIFSIGNALED(p->status) ? WTERMSIG(p->status) : WEXITSTATUS(p->status);
}

int __wrap_waitid(idtype_t type, id_t id, siginfo_t *si, int options)
{
	struct fake_process *p = NULL;
	int pidfd = (int)id;

	if (fault(FAULT_WAIT, "waitid")) {
		return -1;
	}
	memset(si, 0, sizeof(*si));
	if (type == P_PIDFD) {
		p = newest(has_pidfd, &pidfd);
	} else if (type == P_PID) {
		p = fake_process_of((pid_t)id);
	} else if (type == P_ALL) {
		p = newest(is_zombie, NULL);
	}
	if ((!p && (type != P_ALL || !fake_processes_left())) || (p && p->orphan)) {
		errno = ECHILD; /* a group has no members but its leader */
		return -1;
	}
	if (p && p->ended && options & WEXITED) {
		fill(si, p);
		if (!(options & WNOWAIT)) {
			reap(p);
		}
	}
	return 0;
}

/* ---- groups */

pid_t fake_group;

pid_t __real_getpgid(pid_t pid);
pid_t __wrap_getpgid(pid_t pid);

pid_t __wrap_getpgid(pid_t pid)
{
	return fake_group ? fake_group : __real_getpgid(pid);
}

/* ---- signals */

int __wrap_kill(pid_t pid, int signo);
int __wrap_process_handle_signal(int pidfd, int signo);
int __wrap_process_group_signal(pid_t pid, int pidfd, int signo);
int __wrap_process_handle_reap(int pidfd, int *ret_status);

static int send_signal(struct fake_process *p, int signo, const char *to)
{
	if (!p || p->ended) {
		return -ESRCH;
	}
	if (signo && p->channel_fd < 0) {
		fake_tell("signal %s %s%s", p->name, sigabbrev_np(signo), to);
	}
	if (signo && (fake_obedient || signo == SIGKILL)) {
		fake_process_exit(p, signo);
	}
	return 0;
}

int __wrap_kill(pid_t pid, int signo)
{
	int r = send_signal(fake_process_of(pid < 0 ? -pid : pid), signo, pid < 0 ? " group" : "");

	errno = -r;
	return r < 0 ? -1 : 0;
}

int __wrap_process_handle_signal(int pidfd, int signo)
{
	return send_signal(newest(has_pidfd, &pidfd), signo, "");
}

int __wrap_process_group_signal(pid_t pid, int pidfd, int signo)
{
	(void)pidfd;
	return send_signal(fake_process_of(pid), signo, " group");
}

int __wrap_process_handle_reap(int pidfd, int *ret_status)
{
	struct fake_process *p = newest(has_pidfd, &pidfd);

	if (!p || p->orphan) {
		return -ECHILD;
	}
	if (!p->ended || fault(FAULT_WAIT, "waitid")) {
		return 0;
	}
	*ret_status = p->status;
	reap(p);
	return 1;
}

/* ---- processes that are no children: what a former slotd started */

pid_t __wrap_process_handle_pid(int pidfd);
pid_t __real_process_handle_pid(int pidfd);
int __wrap_process_handle_open(pid_t pid, uint64_t start_ticks);
int __wrap_process_handle_status(int pidfd, pid_t pid, uint64_t start_ticks);
uint64_t __wrap_process_start_ticks(pid_t pid);
uint64_t __real_process_start_ticks(pid_t pid);

/* Started one after the other: the pid is the time, too. */
uint64_t __wrap_process_start_ticks(pid_t pid)
{
	const struct fake_process *p = fake_process_of(pid);

	if (pid <= FAKE_PIDS_FROM) {
		return __real_process_start_ticks(pid); /* the test's own */
	}
	return p && !(p->orphan && p->ended) ? (uint64_t)p->pid : 0;
}

pid_t __wrap_process_handle_pid(int pidfd)
{
	const struct fake_process *p = newest(has_pidfd, &pidfd);

	if (!p) {
		return __real_process_handle_pid(pidfd); /* the test's own */
	}
	return p->orphan && p->ended ? 0 : p->pid;
}

int __wrap_process_handle_open(pid_t pid, uint64_t start_ticks)
{
	const struct fake_process *p = fake_process_of(pid);
	char path[64];
	int fd;

	if (!p || (p->orphan && p->ended) || start_ticks != (uint64_t)pid) {
		return -ESRCH;
	}
	if (fault(FAULT_OPEN, "pidfd_open")) {
		return -errno;
	}
	/* The other end of its pipe. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", p->exit_fd);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int __wrap_process_handle_status(int pidfd, pid_t pid, uint64_t start_ticks)
{
	struct fake_process *p = newest(has_pidfd, &pidfd);
	int status;

	(void)pid, (void)start_ticks;
	if (process_handle_reap(pidfd, &status) == 1) {
		return status;
	}
	return p && p->ended && !fake_ends_unseen ? p->status : WORKER_STATUS_UNKNOWN;
}
