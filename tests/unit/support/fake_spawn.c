#include "fake.h"

#include <fcntl.h>
#include <limits.h>
#include <slotd/cleanup.h>
#include <slotd/os.h>
#include <slotd/spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"

int __wrap_spawn(const struct spawn_spec *spec, struct spawned *ret);
int __wrap_process_become(const struct spawn_user *user);
int __real_os_pipe_of(uid_t uid, gid_t gid, int ret_ends[2]);
int __wrap_os_pipe_of(uid_t uid, gid_t gid, int ret_ends[2]);
pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);

/* What a function of slotd's own forks is a /bin/sh; nobody has such a pid. */
#define SHELL_PID ((pid_t)INT_MAX)

bool fake_functions_hang;
static bool in_function, has_shell;
static int shell_pipe[2] = {-EBADF, -EBADF};

static int copy(int fd)
{
	return fd < 0 ? -EBADF : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static const char *name_of(const struct spawn_spec *spec)
{
	const char *path = spec->run ? "function" : spec->argv[0];
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- a function of slotd's own: it runs here and now */

int __wrap_os_pipe_of(uid_t uid, gid_t gid, int ret_ends[2])
{
	int r = __real_os_pipe_of(uid, gid, ret_ends);

	if (r == 0) {
		memcpy(shell_pipe, ret_ends, sizeof(shell_pipe));
	}
	return r;
}

pid_t __wrap_fork(void)
{
	if (!in_function) {
		return __real_fork();
	}
	has_shell = true;
	fake_shell.runs++;
	if (fake_shell.says) {
		must(dprintf(shell_pipe[1], "%s", fake_shell.says) >= 0, "it cannot say it");
	}
	return SHELL_PID;
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	if (pid != SHELL_PID) {
		return __real_waitpid(pid, status, options);
	}
	*status = fake_shell.code << 8;
	return pid;
}

static int call(const struct spawn_spec *spec)
{
	int status, saved = copy(STDOUT_FILENO);

	(void)fflush(stdout);
	if (spec->stdio[1] >= 0) {
		must(dup2(spec->stdio[1], STDOUT_FILENO) >= 0, "no descriptor");
	}
	in_function = true;
	status = spec->run(spec->data);
	in_function = false;
	if (has_shell) {
		cleanup_closep(&shell_pipe[0]); /* its end would have done that */
	}
	must(dup2(saved, STDOUT_FILENO) >= 0, "no descriptor");
	(void)close(saved);
	return status;
}

/* That it may fail is a fault of its own. */
static void run(const struct spawn_spec *spec, struct fake_process *p)
{
	int status = 1;
	bool stays = fake_functions_hang;

	has_shell = false;
	if (!stays && !fault(FAULT_CHILD, "a child's function")) {
		faults_pause(true);
		status = call(spec);
		faults_pause(false);
		stays = has_shell && fake_shell.stays;
	}
	if (!stays) {
		fake_process_exit(p, status << 8);
	}
}

int __wrap_spawn(const struct spawn_spec *spec, struct spawned *ret)
{
	struct fake_process *p;
	int ends[2], pidfd;

	if (fault(FAULT_SPAWN, "spawn")) {
		return -errno;
	}
	faults_pause(true);
	p = fake_process_new(name_of(spec), &pidfd);
	must(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "no pipe");
	(void)close(ends[1]); /* it is at its command */
	p->channel_fd = copy(spec->channel_fd);
	*ret = (struct spawned){.pid = p->pid,
				.pidfd = pidfd,
				.start_ticks = (uint64_t)p->pid,
				.report_fd = ends[0]};
	faults_pause(false);
	if (spec->run) {
		run(spec, p);
	}
	return 0;
}

int __wrap_process_become(const struct spawn_user *user)
{
	(void)user;
	return 0;
}
