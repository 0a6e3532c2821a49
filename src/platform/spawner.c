#include <slotd/cleanup.h>
#include <slotd/os.h>
#include <slotd/spawner.h>
#include <slotd/spawnrequest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

enum {
	SENT_MOST = 16,
	TRIES = 3, /* slotd-spawn died each time: perhaps of this one */
};

struct spawn_call {
	struct spawner *spawner;
	struct spawn_call *next;
	uint32_t id;
	unsigned tries;
	bool sent;
	int request_fd;
	int report[2];
	int fds[4]; /* of 0, 1, 2 and the cgroup, as far as there are any */
	unsigned n_fds;
	spawn_done_fn *done; /* NULL: abandoned */
	void *owner;
};

static void unlink_call(struct spawn_call *c)
{
	struct spawner *s = c->spawner;
	struct spawn_call **at = &s->head;

	while (*at != c) {
		at = &(*at)->next;
	}
	*at = c->next;
	s->n_sent -= c->sent;
}

static void close_descriptors(struct spawn_call *c)
{
	for (unsigned i = 0; i < c->n_fds; i++) {
		cleanup_closep(&c->fds[i]);
	}
	for (int i = 0; i < 2; i++) {
		cleanup_closep(&c->report[i]);
	}
	cleanup_closep(&c->request_fd);
}

static void call_free(struct spawn_call *c)
{
	close_descriptors(c);
	free(c);
}

static void call_freep(struct spawn_call **c)
{
	if (*c) {
		call_free(*c);
	}
}

/* ---- the end of a request */

static void kill_child(const struct spawned *spawned)
{
	int pidfd = spawned->pidfd, report_fd = spawned->report_fd;

	(void)process_group_signal(spawned->pid, pidfd, SIGKILL);
	cleanup_closep(&pidfd);
	cleanup_closep(&report_fd);
}

static void finish(struct spawn_call *c, int error, struct spawned *spawned)
{
	unlink_call(c);
	if (error == 0) {
		/* So that a signal to the group finds it; the child itself was faster, mostly. */
		(void)setpgid(spawned->pid, spawned->pid);
		spawned->report_fd = TAKE_FD(c->report[0]);
	}
	if (c->done) {
		c->done(c->owner, error, spawned);
	} else if (error == 0) {
		kill_child(spawned); /* reaped like an orphan */
	}
	call_free(c);
}

/* ---- sending */

static int put_call(struct spawn_call *c)
{
	struct message m;

	message_init(&m, MSG_SPAWN, c->id);
	message_put_fd(&m, c->request_fd);
	message_put_fd(&m, c->report[1]);
	for (unsigned i = 0; i < c->n_fds; i++) {
		message_put_fd(&m, c->fds[i]);
	}
	return channel_send(c->spawner->channel, &m);
}

static struct spawn_call *first_unsent(struct spawner *s)
{
	struct spawn_call *c = s->head;

	while (c && c->sent) {
		c = c->next;
	}
	return c;
}

/* 0; -ENOTCONN: its end is about to be told; another -errno. */
static int send_call(struct spawn_call *c)
{
	int r = put_call(c);

	if (r == 0) {
		c->sent = true;
		c->tries++;
		c->spawner->n_sent++;
		c->spawner->last_sent = c->id;
	}
	return r;
}

static void send_more(struct spawner *s)
{
	struct spawn_call *c;

	while (!spawner_busy(s) && (c = first_unsent(s))) {
		int r = send_call(c);

		if (r == -ENOTCONN) {
			return;
		}
		if (r < 0) {
			finish(c, r, &(struct spawned){0});
		}
	}
}

void spawner_connected(struct spawner *s, struct channel *channel)
{
	s->channel = channel;
	send_more(s);
}

/* ---- asking */

static void append(struct spawner *s, struct spawn_call *c)
{
	struct spawn_call **at = &s->head;

	while (*at) {
		at = &(*at)->next;
	}
	*at = c;
}

static bool is_among(int fd, const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] == fd) {
			return true;
		}
	}
	return false;
}

/* Each is there once, as it is closed once; of one that is there twice the second is a duplicate.
 */
static int take_stdio(struct spawn_call *c, const struct spawn_spec *spec)
{
	int r = 0;

	for (int i = 0; i < 3; i++) {
		int fd = spec->stdio[i];

		if (fd >= 0 && is_among(fd, c->fds, c->n_fds)) {
			fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
			r = fd < 0 ? -errno : r;
		}
		if (fd >= 0) {
			c->fds[c->n_fds++] = fd;
		}
	}
	return r;
}

static int prepare(struct spawn_call *c, const struct spawn_spec *spec)
{
	int r = take_stdio(c, spec);

	if (r == 0 && spec->cgroup_fd >= 0) {
		c->fds[c->n_fds] = fcntl(spec->cgroup_fd, F_DUPFD_CLOEXEC, 3);
		r = c->fds[c->n_fds] < 0 ? -errno : 0;
		c->n_fds += r == 0;
	}
	if (r == 0) {
		r = spawn_request_write(spec, &c->request_fd);
	}
	return r == 0 ? spawn_report_pipe(c->report) : r;
}

static void close_stdio(const struct spawn_spec *spec)
{
	for (int i = 0; i < 3; i++) {
		int fd = spec->stdio[i];

		if (!is_among(fd, spec->stdio, (unsigned)i)) {
			cleanup_closep(&fd);
		}
	}
}

int spawner_ask(struct spawner *s, const struct spawn_spec *spec, spawn_done_fn *done, void *owner,
		struct spawn_call **ret)
{
	CLEANUP(call_freep) struct spawn_call *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		close_stdio(spec);
		return -ENOMEM;
	}
	*c = (struct spawn_call){
		.spawner = s,
		.request_fd = -EBADF,
		.report = {-EBADF, -EBADF},
		.done = done,
		.owner = owner,
	};
	r = prepare(c, spec);
	if (r < 0) {
		return r;
	}
	if (spec->prepared) {
		spec->prepared(owner, c->request_fd);
	}
	c->id = ++s->last_asked ? s->last_asked : ++s->last_asked;
	append(s, c);
	r = !spawner_busy(s) && first_unsent(s) == c ? send_call(c) : 0;
	if (r < 0 && r != -ENOTCONN) {
		unlink_call(c);
		return r;
	}
	*ret = TAKE_PTR(c);
	return 0;
}

void spawner_close_copies(struct spawner *s)
{
	for (struct spawn_call *c = s->head; c; c = c->next) {
		close_descriptors(c);
	}
}

bool spawn_call_cancel(struct spawn_call *c)
{
	if (c->sent) {
		return false;
	}
	unlink_call(c);
	call_free(c);
	return true;
}

void spawn_call_abandon(struct spawn_call *c)
{
	if (!spawn_call_cancel(c)) {
		c->done = NULL;
	}
}

bool spawner_busy(const struct spawner *s)
{
	return !s->channel || s->n_sent >= SENT_MOST;
}

uint32_t spawner_note(const struct spawner *s)
{
	return s->last_sent;
}

bool spawner_past(const struct spawner *s, uint32_t note)
{
	return !s->head || (int32_t)(s->head->id - note) > 0;
}

/* ---- answers */

/* It was made, though its pidfd did not come. */
static void find_child(struct spawn_call *c, pid_t pid)
{
	struct spawned spawned = {
		.pid = pid,
		.pidfd = (int)syscall(SYS_pidfd_open, pid, 0),
		.start_ticks = process_start_ticks(pid),
	};
	int r = spawned.pidfd < 0 ? -errno : 0;

	if (r < 0) {
		(void)kill(pid, SIGKILL); /* not reaped yet, so it is the one */
	}
	finish(c, r, &spawned);
}

void spawner_answered(struct spawner *s, struct message *m)
{
	struct spawn_call *c = s->head;
	struct spawned spawned = {
		.pid = (pid_t)message_i64(m, TAG_PID),
		.pidfd = message_take_fd(m, 0),
		.start_ticks = message_u64(m, TAG_TICKS),
	};
	int error = (int)message_i64(m, TAG_CODE);

	while (c && (!c->sent || c->id != m->id)) {
		c = c->next;
	}
	if (!c) {
		cleanup_closep(&spawned.pidfd);
		return;
	}
	if (error == 0 && spawned.pid <= 0) {
		error = -EBADMSG;
	}
	if (error == 0 && spawned.pidfd < 0) {
		find_child(c, spawned.pid);
	} else {
		finish(c, error, &spawned);
	}
	send_more(s);
}

/* The callbacks may take back what was not sent: the list is looked at anew each time. */
static struct spawn_call *take_sent(struct spawner *s)
{
	struct spawn_call *c = s->head;

	while (c && !c->sent) {
		c = c->next;
	}
	if (c) {
		c->sent = false;
		s->n_sent--;
	}
	return c;
}

void spawner_lost(struct spawner *s)
{
	struct spawn_call *c;

	s->channel = NULL;
	while ((c = take_sent(s))) {
		pid_t pid = spawn_request_pid(c->request_fd);

		if (pid > 0) {
			find_child(c, pid);
		} else if (c->tries >= TRIES) {
			finish(c, -EAGAIN, &(struct spawned){0});
		}
	}
}

void spawner_done(struct spawner *s)
{
	struct spawn_call *c;

	while ((c = s->head)) {
		unlink_call(c);
		call_free(c);
	}
	s->channel = NULL;
}
