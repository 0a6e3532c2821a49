#include "berth.h"

#include <slotd/cleanup.h>
#include <slotd/listen.h>
#include <slotd/os.h>
#include <slotd/spawn.h>

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NGROUPS_LOOKED_UP = 4096, /* a user of more has those of the last reload */
};

_Static_assert(sizeof(struct spawn_report) <= PIPE_BUF, "a report is written in one piece");

/* ---- in the child: it has one thread, as slotd, so it may use libc */

static void say(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n; /* nobody is left to tell */
}

static void explain(const struct spawn_report *r, const char *argv0)
{
	char text[1200];

	if (r->stage == SPAWN_STAGE_LOOKUP) {
		return; /* Supervisor finds these before there is a process */
	}
	say("supervisor: ");
	say(spawn_report_text(r, argv0, text, sizeof(text)));
	say("\nsupervisor: child process was not spawned\n");
}

static _Noreturn void fail(const struct spawn_spec *spec, int report_fd, enum spawn_stage stage,
			   int error, const char *path)
{
	struct spawn_report r = {.stage = stage, .error = error};
	ssize_t n;

	(void)snprintf(r.path, sizeof(r.path), "%s", path ? path : "");
	if (spec->explain) {
		explain(&r, spec->argv ? spec->argv[0] : "");
	}
	n = write(report_fd, &r, sizeof(r));
	(void)n;
	_exit(127);
}

/* As Supervisor: the first entry that exists decides, executable or not. */
static int judge(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		return -ENOENT;
	}
	if (S_ISDIR(st.st_mode)) {
		return -EISDIR;
	}
	if (!(st.st_mode & 0111)) {
		return -ENOEXEC;
	}
	return access(path, X_OK) < 0 ? -EACCES : 0;
}

static int look_up(const char *name, const char *search, char *path, size_t size)
{
	const char *dir = search;

	if (strchr(name, '/')) {
		(void)snprintf(path, size, "%s", name);
		return judge(path);
	}
	while (dir) {
		const char *end = strchrnul(dir, ':');
		int n = snprintf(path, size, "%.*s/%s", (int)(end - dir), dir, name);
		int r = n > 0 && (size_t)n < size ? judge(path) : -ENOENT;

		if (r != -ENOENT) {
			return r;
		}
		dir = *end ? end + 1 : NULL;
	}
	(void)snprintf(path, size, "%s", name);
	return -ENOENT;
}

/* A server would go on trying or share the port; who looks for the holder may take its time. */
static int check_address(const char *address, char *path, size_t size)
{
	char holder[512];

	if (listen_is_free(address)) {
		return 0;
	}
	(void)snprintf(path, size, "%s is held by %s", address,
		       listen_holder(address, holder, sizeof(holder)));
	return -EADDRINUSE;
}

static int set_stdio(const struct spawn_spec *spec)
{
	auto_close int null = -EBADF;

	for (int i = 0; i < 3; i++) {
		int from = spec->stdio[i];

		if (from < 0) {
			if (null < 0) {
				null = open("/dev/null", O_RDWR | O_CLOEXEC);
			}
			from = null;
		}
		if (from < 0 || (from != i && dup2(from, i) < 0)) {
			return -errno;
		}
	}
	return 0;
}

/* A group that somebody has joined counts from the next start on, as under Supervisor. A lookup
 * that hangs holds up this child alone. */
static int set_groups(const struct spawn_user *user)
{
	gid_t groups[NGROUPS_LOOKED_UP];
	int n = NGROUPS_LOOKED_UP;

	if (user->name && getgrouplist(user->name, user->gid, groups, &n) >= 0) {
		return setgroups((size_t)n, groups);
	}
	return setgroups(user->n_groups, user->groups);
}

int process_become(const struct spawn_user *user)
{
	if (!user || user->uid == (uid_t)-1 || user->uid == geteuid()) {
		return 0;
	}
	if (geteuid() != 0) {
		return -EPERM;
	}
	if (set_groups(user) < 0 || (user->gid != (gid_t)-1 && setgid(user->gid) < 0) ||
	    setuid(user->uid) < 0) {
		return -errno;
	}
	return 0;
}

/* Handlers are gone with exec, but until then a signal must not reach slotd's own. */
static int set_signals(const struct spawn_spec *spec)
{
	static const int ignored[] = {SIGPIPE, SIGXFSZ};
	struct sigaction sa = {.sa_handler = spec->reset_signals ? SIG_DFL : SIG_IGN};
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++) {
		if (sigaction(ignored[i], &sa, NULL) < 0) {
			return -errno;
		}
	}
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* Out of the way of 0..3. */
static int move_up(int fd)
{
	return fd > 3 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 4);
}

static int set_descriptors(const struct spawn_spec *spec)
{
	int r = set_stdio(spec);

	if (r == 0 && spec->channel_fd >= 0) {
		r = spec->channel_fd == 3 ? fcntl(3, F_SETFD, 0) : dup2(spec->channel_fd, 3);
		r = r < 0 ? -errno : 0;
	}
	if (r == 0) {
		/* All of ours are close-on-exec from birth; this is for those we were given.
		 * Before Linux 5.11 main's own sweep has to do. */
		(void)syscall(SYS_close_range, spec->channel_fd >= 0 ? 4U : 3U, ~0U,
			      CLOSE_RANGE_CLOEXEC);
	}
	return r;
}

static void say_own_table(int report_fd)
{
	ssize_t n = write(report_fd, "", 1);

	(void)n; /* slotd hears of the end, too */
}

static _Noreturn void child_main(const struct spawn_spec *spec, int report_fd, int berth)
{
	char path[PATH_MAX] = "";
	int r = berth_leave(berth);

	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_STDIO, r, NULL);
	}
	if (berth >= 0) {
		say_own_table(report_fd);
	}
	report_fd = move_up(report_fd);
	if (setpgid(0, 0) < 0) {
		fail(spec, report_fd, SPAWN_STAGE_GROUP, -errno, NULL);
	}
	r = set_descriptors(spec);
	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_STDIO, r, NULL);
	}
	r = spec->run ? 0 : look_up(spec->argv[0], spec->search, path, sizeof(path));
	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_LOOKUP, r, path);
	}
	r = spec->address ? check_address(spec->address, path, sizeof(path)) : 0;
	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_ADDRESS, r, path);
	}
	r = process_become(spec->user);
	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_USER, r, NULL);
	}
	if (spec->directory && chdir(spec->directory) < 0) {
		fail(spec, report_fd, SPAWN_STAGE_DIRECTORY, -errno, spec->directory);
	}
	if (spec->umask != (mode_t)-1) {
		(void)umask(spec->umask);
	}
	r = set_signals(spec);
	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_SIGNALS, r, NULL);
	}
	if (spec->run) {
		_exit(spec->run(spec->data));
	}
	if (!spec->helper) {
		os_give_limits_back();
	}
	(void)execve(path, spec->argv, spec->envp);
	fail(spec, report_fd, SPAWN_STAGE_EXEC, -errno, path);
}

/* ---- in slotd */

/* Signals are blocked across it, so that none runs slotd's handlers in the child. */
static pid_t fork_with_pidfd(int *ret_pidfd)
{
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, &old) < 0) {
		return -errno;
	}
	pid = fork();
	if (pid == 0) {
		for (int s = 1; s < NSIG; s++) {
			struct sigaction sa;

			if (sigaction(s, NULL, &sa) == 0 && sa.sa_handler != SIG_IGN) {
				(void)signal(s, SIG_DFL);
			}
		}
		return 0;
	}
	if (pid > 0) {
		*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (*ret_pidfd < 0) {
			int saved = errno;

			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0); /* killed: it ends at once */
			errno = saved;
			pid = -1;
		}
	}
	pid = pid < 0 ? -errno : pid;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

/* A function is run by fork(2) proper: it may use all of libc, whose own handlers see only that. */
static pid_t clone_child(const struct spawn_spec *spec, int berth, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	if (spec->run) {
		return fork_with_pidfd(ret_pidfd);
	}
	if (berth >= 0) {
		args.flags |= CLONE_FILES;
	}
	if (spec->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)spec->cgroup_fd;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0 && (errno == ENOSYS || errno == EINVAL || errno == EPERM || errno == E2BIG)) {
		return fork_with_pidfd(ret_pidfd);
	}
	return pid < 0 ? -errno : pid;
}

/* Its descriptors and the report's write end become the berth's. */
static int lend(struct spawn_spec *spec, int *report_fd)
{
	int fds[BERTH_FDS] = {spec->stdio[0], spec->stdio[1], spec->stdio[2], *report_fd};
	int berth = berth_take(fds);

	if (berth >= 0) {
		memcpy(spec->stdio, fds, sizeof(spec->stdio));
		*report_fd = fds[3];
	}
	return berth;
}

int spawn(const struct spawn_spec *spec, struct spawned *ret)
{
	auto_close int read_end = -EBADF, write_end = -EBADF;
	struct spawn_spec its = *spec;
	int ends[2], pidfd = -EBADF, berth = -EBADF, report_fd;
	uint64_t ticks;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT) < 0) {
		return -errno;
	}
	read_end = ends[0];
	report_fd = write_end = ends[1];
	if (spec->watched && spec->channel_fd < 0 && !spec->run) {
		berth = lend(&its, &report_fd);
	}
	ticks = process_ticks_now();
	pid = clone_child(spec, berth, &pidfd);
	if (pid == 0) {
		child_main(&its, report_fd, berth);
	}
	if (pid < 0) {
		berth_give_back(berth);
		return pid;
	}
	/* Also here, so that a signal to the group finds it; the child may have been faster. */
	(void)setpgid(pid, pid);
	*ret = (struct spawned){
		.pid = pid,
		.pidfd = pidfd,
		/* Nearly always the same tick: that spares reading it from /proc. */
		.start_ticks = ticks == process_ticks_now() ? ticks : process_start_ticks(pid),
		.report = {.fd = TAKE_FD(read_end), .berth = berth},
	};
	return 0;
}

bool spawn_crowded(void)
{
	return berths_taken();
}

/* Each write is read alone (O_DIRECT): a byte says that the child's descriptors are its own. */
int spawn_report_read(struct spawn_pipe *pipe, struct spawn_report *ret)
{
	struct spawn_report r;
	ssize_t n;

	do {
		n = read(pipe->fd, &r, sizeof(r));
		if (n > 0) {
			berth_give_back(pipe->berth);
			pipe->berth = -EBADF;
		}
	} while (n == 1 || (n < 0 && errno == EINTR));
	if (n < 0) {
		return -errno;
	}
	if (n == 0) {
		return 0;
	}
	if (n != sizeof(r)) {
		return -EBADMSG;
	}
	r.path[sizeof(r.path) - 1] = '\0';
	*ret = r;
	return 1;
}

void spawn_report_close(struct spawn_pipe *pipe)
{
	berth_give_back(pipe->berth);
	pipe->berth = -EBADF;
	cleanup_closep(&pipe->fd);
}

int process_handle_signal(int pidfd, int signo)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

int process_group_signal(pid_t pid, int pidfd, int signo)
{
	int r = kill(-pid, signo) < 0 ? -errno : 0;

	return pidfd >= 0 && getpgid(pid) != pid ? process_handle_signal(pidfd, signo) : r;
}

int process_handle_reap(int pidfd, int *ret_status)
{
	siginfo_t si = {0};

	if (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG) < 0) {
		return errno == EINTR ? 0 : -errno;
	}
	if (!si.si_pid) {
		return 0;
	}
	*ret_status = spawn_wait_status(&si);
	return 1;
}

int spawn_wait_status(const siginfo_t *si)
{
	if (si->si_code == CLD_EXITED) {
		return (si->si_status & 0xff) << 8;
	}
	return (si->si_status & 0x7f) | (si->si_code == CLD_DUMPED ? 0x80 : 0);
}

static const char *lookup_text(const struct spawn_report *r, const char *argv0, char *buf,
			       size_t size)
{
	static const struct {
		int error;
		const char *format;
	} texts[] = {
		{-EISDIR, "command at %s is a directory"},
		{-ENOEXEC, "command at %s is not executable"},
		{-EACCES, "no permission to run command %s"},
	};
	char quoted[1100];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i].error == r->error) {
			(void)text_quote(r->path, quoted, sizeof(quoted));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			(void)snprintf(buf, size, texts[i].format, quoted);
#pragma GCC diagnostic pop
			return buf;
		}
	}
	(void)snprintf(buf, size, "can't find command %s",
		       text_quote(argv0, quoted, sizeof(quoted)));
	return buf;
}

const char *spawn_report_text(const struct spawn_report *r, const char *argv0, char *buf,
			      size_t size)
{
	const char *name = strerrorname_np(-r->error);

	name = name ? name : "unknown error";
	switch (r->stage) {
	case SPAWN_STAGE_LOOKUP:
		return lookup_text(r, argv0, buf, size);
	case SPAWN_STAGE_ADDRESS:
		(void)snprintf(buf, size, "%s", r->path);
		break;
	case SPAWN_STAGE_USER:
		(void)snprintf(buf, size, "couldn't setuid: %s", name);
		break;
	case SPAWN_STAGE_DIRECTORY:
		(void)snprintf(buf, size, "couldn't chdir to %s: %s", r->path, name);
		break;
	case SPAWN_STAGE_EXEC:
		(void)snprintf(buf, size, "couldn't exec %s: %s", argv0, name);
		break;
	default:
		(void)snprintf(buf, size, "couldn't set up the process (%s): %s",
			       r->stage == SPAWN_STAGE_STDIO   ? "descriptors"
			       : r->stage == SPAWN_STAGE_GROUP ? "process group"
							       : "signals",
			       name);
		break;
	}
	return buf;
}
