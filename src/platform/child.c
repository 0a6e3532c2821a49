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

	loop_io_leave(loop, &c->exit_io); /* children made meanwhile have it, too */
	loop_io_leave(loop, &c->output_io);
	loop_timer_stop(loop, &c->timer);
	cleanup_closep(&c->pidfd);
	cleanup_closep(&c->report_fd);
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
		loop_io_leave(c->all->loop, &c->output_io);
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

static void adopted_ended(struct child *c)
{
	const struct child_result result = {
		.status = process_handle_status(c->pidfd, c->pid, process_start_ticks(c->pid)),
	};
	child_done_fn *done = c->done;

	release(c);
	done(c, &result);
}

static void on_exit_event(struct loop_io *io, unsigned events)
{
	struct child *c = container_of(io, struct child, exit_io);
	struct child_result result = {0};
	siginfo_t si = {0};
	child_done_fn *done = c->done;

	(void)events;
	if (c->adopted) {
		adopted_ended(c);
		return;
	}
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
	if (spawn_report_read(c->report_fd, &result.report) != 1) {
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

void child_keep_output(char *buf, size_t size, size_t *len, const char *data, size_t n)
{
	const size_t room = size - 1 - *len;

	n = n < room ? n : room;
	memcpy(buf + *len, data, n);
	*len += n;
	buf[*len] = '\0';
}

void child_kill(struct child *c, int signo)
{
	if (c->call) {
		c->signal = signo;
	} else if (c->adopted && child_running(c)) {
		(void)process_handle_signal(c->pidfd, signo);
	} else if (child_running(c)) {
		(void)process_group_signal(c->pid, c->pidfd, signo);
	}
}

void child_abandon(struct child *c)
{
	if (c->call) {
		spawn_call_abandon(TAKE_PTR(c->call));
		release(c);
	} else if (child_running(c)) {
		child_kill(c, SIGKILL);
		release(c); /* reaped like an orphan */
	}
}

void child_leave(struct child *c)
{
	if (c->adopted && child_running(c)) {
		release(c);
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
		  int output_fd)
{
	*c = (struct child){
		.all = all,
		.next = all->head,
		.pidfd = -EBADF,
		.report_fd = -EBADF,
		.output_fd = output_fd,
		.done = spec->done,
		.output = spec->output,
		.made = spec->made,
		.owner = spec->owner,
	};
	all->head = c;
	loop_io_init(&c->exit_io, on_exit_event);
	loop_io_init(&c->output_io, on_output);
	loop_timer_init(&c->timer, on_timeout);
	if (output_fd >= 0) {
		loop_io_set(all->loop, &c->output_io, output_fd, LOOP_READ);
	}
	if (spec->timeout != USEC_NEVER) {
		loop_timer_set(all->loop, &c->timer, usec_add(usec_monotonic(), spec->timeout));
	}
}

static void runs(struct child *c, const struct spawned *spawned)
{
	c->pid = spawned->pid;
	c->pidfd = spawned->pidfd;
	c->report_fd = spawned->report_fd;
	loop_io_set(c->all->loop, &c->exit_io, c->pidfd, LOOP_READ);
	if (c->signal) {
		child_kill(c, c->signal);
	}
	if (c->made) {
		c->made(c);
	}
}

void child_adopt(struct children *all, struct child *c, pid_t pid, int pidfd, child_done_fn *done,
		 void *owner)
{
	const struct child_spec spec = {.timeout = USEC_NEVER, .done = done, .owner = owner};

	begin(all, c, &spec, -EBADF);
	c->adopted = true;
	runs(c, &(struct spawned){.pid = pid, .pidfd = pidfd, .report_fd = -EBADF});
}

static void on_made(void *owner, int error, const struct spawned *spawned)
{
	struct child *c = owner;
	struct child_result result = {
		.report = {.stage = SPAWN_STAGE_FORK, .error = error},
	};
	child_done_fn *done = c->done;

	c->call = NULL;
	if (error == 0) {
		runs(c, spawned);
		return;
	}
	result.timed_out = c->timed_out;
	release(c);
	done(c, &result);
}

/* Takes output_fd. */
static int ask(struct children *all, struct child *c, const struct child_spec *spec,
	       struct spawn_spec *inner, int *output_fd)
{
	struct spawn_call *call;
	struct rlimit limits[RLIM_NLIMITS];
	int r;

	os_child_limits(limits);
	inner->limits = limits;
	inner->n_limits = RLIM_NLIMITS;
	r = spawner_ask(all->spawner, inner, on_made, c, &call);
	if (r < 0) {
		return r;
	}
	begin(all, c, spec, TAKE_FD(*output_fd));
	c->call = call;
	return 0;
}

static int make(struct children *all, struct child *c, const struct child_spec *spec,
		struct spawn_spec *inner, int *output_fd)
{
	auto_close int gate_read = -EBADF, gate_write = -EBADF;
	struct spawned spawned;
	int r = spec->made ? pipe2(inner->gate, O_CLOEXEC) : 0;

	if (r < 0) {
		return -errno;
	}
	gate_read = inner->gate[0];
	gate_write = inner->gate[1];
	inner->close_copies = all->spawner ? spawner_close_copies : NULL;
	inner->spawner = all->spawner;
	r = spawn(inner, &spawned);
	if (r < 0) {
		return r;
	}
	begin(all, c, spec, TAKE_FD(*output_fd));
	runs(c, &spawned);
	if (gate_write >= 0 && write(gate_write, "", 1) < 0) {
		child_kill(c, SIGKILL); /* it would do nothing: that is found as its end */
	}
	return 0;
}

static int make_pipe(const struct spawn_spec *spec, int *ret_read, int *ret_write)
{
	const struct spawn_user *user = spec->user;
	int ends[2];
	int r = os_pipe_of(user ? user->uid : (uid_t)-1, user ? user->gid : (gid_t)-1, ends);

	if (r < 0) {
		return r;
	}
	*ret_read = ends[0];
	*ret_write = ends[1];
	/* Only our end: the command must see an ordinary pipe. */
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int child_run(struct children *all, struct child *c, const struct child_spec *spec)
{
	auto_close int read_end = -EBADF, write_end = -EBADF;
	struct spawn_spec inner = spec->spawn;
	const bool asked = all->spawner && !inner.run && inner.channel_fd < 0;
	int r = spec->output ? make_pipe(&inner, &read_end, &write_end) : 0;

	if (r < 0) {
		if (asked) {
			cleanup_closep(&inner.stdio[0]);
		}
		return r;
	}
	for (int i = 1; i < 3; i++) {
		inner.stdio[i] = inner.stdio[i] < 0 ? write_end : inner.stdio[i];
	}
	if (asked) {
		(void)TAKE_FD(write_end); /* goes with the request */
		return ask(all, c, spec, &inner, &read_end);
	}
	return make(all, c, spec, &inner, &read_end);
}
