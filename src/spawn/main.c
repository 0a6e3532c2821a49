/*
 * slotd-spawn: makes slotd's children, so that a start costs the same however large slotd is and
 * whatever it links. A request (slotd/spawnrequest.h) comes, a clone is made whose parent is slotd,
 * its pidfd goes back. It decides nothing, knows nothing of the child afterwards, and ends with
 * slotd.
 */
#include <slotd/cgroup.h>
#include <slotd/channel.h>
#include <slotd/cleanup.h>
#include <slotd/keep.h>
#include <slotd/os.h>
#include <slotd/spawnrequest.h>

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the clone */

struct made {
	pid_t pid;
	int pidfd;
};

/* Where clone3 is filtered out or lacks something. The pidfd cannot come with clone(2), because
 * the pid has its place; slotd reaps nobody it was not told of, so the number is the child's. */
static pid_t clone_plain(struct spawn_request *request, int *ret_pidfd)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, NULL,
				   &request->pid, NULL, NULL);

	if (pid > 0) {
		*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	}
	return pid;
}

/* With CLONE_PARENT the child's end is told by the signal that tells of ours, SIGCHLD: clone(2). */
static pid_t clone_for_parent(const struct spawn_reading *r, bool into_group, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PARENT | CLONE_PIDFD | CLONE_PARENT_SETTID,
		.pidfd = (uintptr_t)ret_pidfd,
		.parent_tid = (uintptr_t)&r->map->pid,
	};
	pid_t pid;

	if (into_group) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)r->spec.cgroup_fd;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0 && !into_group &&
	    (errno == ENOSYS || errno == EINVAL || errno == EPERM || errno == E2BIG)) {
		pid = clone_plain(r->map, ret_pidfd);
	}
	return pid < 0 ? -errno : pid;
}

static int make(const struct spawn_reading *r, struct message *answer)
{
	uint64_t ticks = process_ticks_now();
	bool into_group = r->spec.cgroup_fd >= 0;
	int pidfd = -EBADF;
	pid_t pid;

	spawn_reading_note(r, ticks);
	pid = clone_for_parent(r, into_group, &pidfd);
	if (pid < 0 && into_group) { /* before Linux 5.7, or the group is no place for processes */
		into_group = false;
		pid = clone_for_parent(r, into_group, &pidfd);
	}
	if (pid == 0) {
		if (!into_group && r->spec.cgroup_fd >= 0) {
			(void)cgroup_join(r->spec.cgroup_fd); /* else it is in slotd's */
		}
		spawn_child(&r->spec, r->report_fd);
	}
	if (pid < 0) {
		return pid;
	}
	message_put_i64(answer, TAG_PID, pid);
	/* Nearly always the same tick: that spares reading it from /proc. */
	message_put_u64(answer, TAG_TICKS,
			ticks == process_ticks_now() ? ticks : process_start_ticks(pid));
	if (pidfd >= 0) {
		message_put_fd(answer, pidfd);
	}
	return 0;
}

/* ---- requests */

static int answer_request(const struct message *request, struct message *answer)
{
	struct spawn_reading reading = {0};
	int r = spawn_request_read(request->fds, request->n_fds, &reading);

	message_init(answer, MSG_SPAWNED, request->id);
	if (r == 0) {
		r = make(&reading, answer);
	}
	spawn_reading_done(&reading);
	message_put_i64(answer, TAG_CODE, r);
	r = channel_send_wait(HELPER_CHANNEL_FD, answer);
	message_done(answer); /* the pidfd */
	return r;
}

/* Returns at QUIT or when slotd has gone (0), or with -errno. */
static int serve(void)
{
	static struct message m, answer;
	int r;

	message_init(&m, MSG_READY, 0);
	message_put_text(&m, TAG_VERSION, SLOTD_VERSION);
	r = channel_send_wait(HELPER_CHANNEL_FD, &m);
	while (r == 0) {
		r = channel_receive_wait(HELPER_CHANNEL_FD, &m, USEC_NEVER);
		if (r == 0 && m.type == MSG_QUIT) {
			break;
		}
		if (r == 0 && m.type == MSG_SPAWN) {
			r = answer_request(&m, &answer);
		}
		message_done(&m);
	}
	return r == -ECONNRESET || r == -EPIPE ? 0 : r;
}

static bool is_started_by_slotd(int argc)
{
	struct stat st;

	return argc == 1 && fstat(HELPER_CHANNEL_FD, &st) == 0 && S_ISSOCK(st.st_mode);
}

int main(int argc, char **argv)
{
	int r;

	if (!is_started_by_slotd(argc)) {
		(void)fprintf(stderr, "%s is started by slotd, not by hand\n", argv[0]);
		return EXIT_FAILURE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	/* What slotd asked for before it died nobody would know of. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)fcntl(HELPER_CHANNEL_FD, F_SETFD, FD_CLOEXEC);
	os_reserve_stack();
	os_come_first(); /* a busy machine must not delay a start; children do not inherit that */
	r = serve();
	if (r < 0) {
		(void)fprintf(stderr, "slotd-spawn: %s\n", strerror(-r));
	}
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
