#include <slotd/child.h>
#include <slotd/cleanup.h>
#include <slotd/os.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	READ_SIZE = 16 * 1024,
};

static void unlink_child(struct child *c)
{
	struct child **at = &c->all->head;

	while (*at && *at != c) {
		at = &(*at)->next;
	}
	if (*at) {
		*at = c->next;
	}
}

static void release(struct child *c)
{
	struct loop *loop = c->all->loop;

	loop_io_stop(loop, &c->exit_io);
	loop_io_stop(loop, &c->output_io);
	loop_timer_stop(loop, &c->timer);
	cleanup_closep(&c->pidfd);
	spawn_report_close(&c->report);
	cleanup_closep(&c->output_fd);
	unlink_child(c);
	c->pid = 0;
}

/* One read. False when there is nothing more now (or ever: the pipe is closed then). */
static bool read_some(struct child *c)
{
	char buf[READ_SIZE];
	ssize_t n = read(c->output_fd, buf, sizeof(buf));

	if (n > 0) {
		c->output(c, buf, (size_t)n);
		return c->output_fd >= 0; /* the callback may have abandoned it */
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		loop_io_stop(c->all->loop, &c->output_io);
		cleanup_closep(&c->output_fd);
	}
	return false;
}

static void on_output(struct loop_io *io, unsigned events)
{
	(void)events;
	(void)read_some(container_of(io, struct child, output_io));
}

/* What it wrote before it ended; whoever inherited the pipe and still writes is not waited for. */
static void read_rest(struct child *c)
{
	enum {
		PIPE_ROUNDS = 1024 * 1024 / READ_SIZE, /* a pipe holds no more by default's limit */
	};

	for (int i = 0; i < PIPE_ROUNDS && c->output_fd >= 0 && read_some(c); i++) {
	}
}

static void on_exit_event(struct loop_io *io, unsigned events)
{
	struct child *c = container_of(io, struct child, exit_io);
	struct child_result result = {0};
	siginfo_t si = {0};
	child_done_fn *done = c->done;

	(void)events;
	/* What it left behind in its group; before the reaping, while nobody can have its pid. */
	(void)kill(-c->pid, SIGKILL);
	if (waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOHANG) < 0 && errno != ECHILD) {
		return; /* EINTR: the loop comes back */
	}
	result.status = spawn_wait_status(&si);
	read_rest(c);
	if (!child_running(c)) {
		return;
	}
	if (spawn_report_read(&c->report, &result.report) != 1) {
		result.report = (struct spawn_report){0};
	}
	result.timed_out = c->timed_out;
	release(c);
	done(c, &result);
}

static void on_timeout(struct loop_timer *t)
{
	struct child *c = container_of(t, struct child, timer);

	c->timed_out = true;
	child_kill(c, SIGKILL);
}

void child_kill(struct child *c, int signo)
{
	if (child_running(c)) {
		(void)process_group_signal(c->pid, c->pidfd, signo);
	}
}

void child_abandon(struct child *c)
{
	if (child_running(c)) {
		child_kill(c, SIGKILL);
		release(c); /* reaped like an orphan */
	}
}

bool children_know(const struct children *all, pid_t pid)
{
	for (const struct child *c = all->head; c; c = c->next) {
		if (c->pid == pid) {
			return true;
		}
	}
	return false;
}

static void begin(struct children *all, struct child *c, const struct child_spec *spec,
		  const struct spawned *spawned, int output_fd)
{
	*c = (struct child){
		.all = all,
		.next = all->head,
		.pid = spawned->pid,
		.pidfd = spawned->pidfd,
		.report = spawned->report,
		.output_fd = output_fd,
		.done = spec->done,
		.output = spec->output,
		.owner = spec->owner,
	};
	all->head = c;
	loop_io_init(&c->exit_io, on_exit_event);
	loop_io_init(&c->output_io, on_output);
	loop_timer_init(&c->timer, on_timeout);
	loop_io_set(all->loop, &c->exit_io, c->pidfd, LOOP_READ);
	if (output_fd >= 0) {
		loop_io_set(all->loop, &c->output_io, output_fd, LOOP_READ);
	}
	if (spec->timeout != USEC_NEVER) {
		loop_timer_set(all->loop, &c->timer, usec_add(usec_monotonic(), spec->timeout));
	}
}

int child_run(struct children *all, struct child *c, const struct child_spec *spec)
{
	auto_close int read_end = -EBADF, write_end = -EBADF;
	struct spawn_spec inner = spec->spawn;
	struct spawned spawned;
	int r, ends[2];

	if (spec->output) {
		const struct spawn_user *user = inner.user;

		r = os_pipe_of(user ? user->uid : (uid_t)-1, user ? user->gid : (gid_t)-1, ends);
		if (r < 0) {
			return r;
		}
		read_end = ends[0];
		write_end = ends[1];
		/* Only our end: the command must see an ordinary pipe. */
		if (fcntl(read_end, F_SETFL, O_NONBLOCK) < 0) {
			return -errno;
		}
		for (int i = 1; i < 3; i++) {
			inner.stdio[i] = inner.stdio[i] < 0 ? write_end : inner.stdio[i];
		}
	}
	r = spawn(&inner, &spawned);
	if (r < 0) {
		return r;
	}
	begin(all, c, spec, &spawned, TAKE_FD(read_end));
	return 0;
}
