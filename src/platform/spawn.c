#include <slotd/cleanup.h>
#include <slotd/os.h>
#include <slotd/spawn.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

int spawn_report_pipe(int ret_ends[2])
{
	return pipe2(ret_ends, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
}

int spawn(const struct spawn_spec *spec, struct spawned *ret)
{
	auto_close int read_end = -EBADF, write_end = -EBADF;
	int ends[2], pidfd = -EBADF, r = spawn_report_pipe(ends);
	uint64_t ticks = process_ticks_now();
	pid_t pid;

	if (r < 0) {
		return r;
	}
	read_end = ends[0];
	write_end = ends[1];
	pid = fork_with_pidfd(&pidfd);
	if (pid == 0) {
		spawn_child(spec, write_end);
	}
	if (pid < 0) {
		return pid;
	}
	/* Also here, so that a signal to the group finds it; the child may have been faster. */
	(void)setpgid(pid, pid);
	*ret = (struct spawned){
		.pid = pid,
		.pidfd = pidfd,
		/* Nearly always the same tick: that spares reading it from /proc. */
		.start_ticks = ticks == process_ticks_now() ? ticks : process_start_ticks(pid),
		.report_fd = TAKE_FD(read_end),
	};
	return 0;
}

int spawn_report_read(int fd, struct spawn_report *ret)
{
	struct spawn_report r;
	ssize_t n;

	do {
		n = read(fd, &r, sizeof(r));
	} while (n < 0 && errno == EINTR);
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

int process_handle_signal(int pidfd, int signo)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

int process_group_signal(pid_t pid, int pidfd, int signo)
{
	int r = kill(-pid, signo) < 0 ? -errno : 0;

	return pidfd >= 0 && getpgid(pid) != pid ? process_handle_signal(pidfd, signo) : r;
}

bool process_group_ended(pid_t group)
{
	return kill(-group, 0) < 0 && errno == ESRCH;
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
	case SPAWN_STAGE_FORK:
		(void)snprintf(buf, size, "couldn't make a process: %s", name);
		break;
	case SPAWN_STAGE_USER:
		(void)snprintf(buf, size, "couldn't setuid: %s", name);
		break;
	case SPAWN_STAGE_DIRECTORY:
		(void)snprintf(buf, size, "couldn't chdir to %s: %s", r->path, name);
		break;
	case SPAWN_STAGE_CREDENTIALS:
		(void)snprintf(buf, size, "couldn't provide %s: %s", r->path, name);
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
