#include "stream.h"

#include "capture.h"
#include "listener.h"
#include "loss.h"
#include "pace.h"
#include "share.h"
#include "sink.h"
#include "special.h"

#include <slotd/cleanup.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <syslog.h>

enum {
	TAKES_PER_WAKE = 8, /* so that one busy stream does not starve the others */
};

static void on_pipe(struct loop_io *io, unsigned events);

/* ---- finding */

static struct stream **bucket(struct logger *lg, uint32_t id)
{
	return &lg->streams.buckets[id % STREAM_BUCKETS];
}

struct stream *stream_find(struct logger *lg, uint32_t id)
{
	struct stream *s = *bucket(lg, id);

	while (s && s->id != id) {
		s = s->next;
	}
	return s;
}

/* fn may free the stream it is given. */
static void for_each(struct logger *lg, void (*fn)(struct stream *))
{
	for (size_t i = 0; i < STREAM_BUCKETS; i++) {
		struct stream *next;

		for (struct stream *s = lg->streams.buckets[i]; s; s = next) {
			next = s->next;
			fn(s);
		}
	}
}

static struct stream *stream_free(struct stream *s)
{
	pace_leave(s);
	loop_io_leave(s->lg->loop, &s->io);
	cleanup_closep(&s->pipe);
	files_put(&s->lg->files, s->file);
	stream_filter_done(s);
	free(s->line);
	free(s->name);
	free(s->identifier);
	free(s);
	return NULL;
}

static void forget(struct stream *s)
{
	struct stream **at = bucket(s->lg, s->id);

	while (*at != s) {
		at = &(*at)->next;
	}
	*at = s->next;
	notes_stream_drop(s->lg->staging.notes, s->id);
	stream_free(s);
}

/* ---- watching */

static void watch(struct stream *s)
{
	s->waiting = false;
	if (s->pipe >= 0 && !s->flows) {
		loop_io_set(s->lg->loop, &s->io, s->pipe, LOOP_PIPE);
	}
}

static void watch_again(struct stream *s)
{
	if (s->waiting) {
		watch(s);
	}
}

static void watch_all_again(struct logger *lg)
{
	for_each(lg, watch_again);
}

static void target_has_room(void *data)
{
	watch_all_again(data);
}

/* For something else than its pipe. */
static void wait(struct stream *s)
{
	pace_leave(s);
	loop_io_stop(s->lg->loop, &s->io);
	s->waiting = true;
}

static void wait_for_target(struct stream *s)
{
	wait(s);
	special_wait(s->file->special, s->lg->loop, target_has_room, s->lg);
}

/* The kernel has no memory or the like: the pipe keeps what is in it. */
static void hold(struct stream *s, int error)
{
	struct streams *all = &s->lg->streams;
	unsigned more;

	if (log_once(&all->held, usec_monotonic(), &more)) {
		logger_report(s->lg, LOG_ERR,
			      "%s: cannot take its output: %s; trying again (%u more)", s->name,
			      strerror(-error), more);
	}
	wait(s);
	all->holding = true;
	loss_arm(s->lg);
}

static void on_timer(struct loop_timer *t)
{
	struct logger *lg = container_of(t, struct logger, streams.timer);

	if (lg->streams.holding) {
		lg->streams.holding = false;
		watch_all_again(lg);
	}
	for_each(lg, loss_send);
}

/* ---- taking */

static bool wanted(const struct stream *s)
{
	return s->file || s->syslog || s->events || s->filter || s->lg->streams.null_fd < 0 ||
	       s->lg->own.level >= LOG_DEBUG;
}

static ssize_t take_away(struct stream *s, size_t max)
{
	ssize_t n = splice(s->pipe, NULL, s->lg->streams.null_fd, NULL, max,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	return n < 0 ? -errno : n;
}

/* What ends without a byte needs no log. 1: there are bytes; 0: it has ended; -EAGAIN. */
static int look(const struct stream *s)
{
	struct pollfd p = {.fd = s->pipe, .events = POLLIN};

	if (poll(&p, 1, 0) < 0 || p.revents & POLLIN) {
		return 1;
	}
	return p.revents & POLLHUP ? 0 : -EAGAIN;
}

/* Up to *max bytes; *max is then what was asked of the pipe. Bytes taken, 0 at the end, -EAGAIN
 * when there is nothing to do now, another -errno. */
static ssize_t take(struct stream *s, size_t *max)
{
	struct staging *st = &s->lg->staging;
	struct chunk c = {.staging = st, .file = s->file, .data = st->map};
	sink_fn *sink;
	ssize_t n;
	int r;

	if (!wanted(s)) {
		return take_away(s, *max);
	}
	r = s->file && s->file->fd < 0 && s->file->owner.late ? look(s) : 1;
	if (r != 1) {
		return r;
	}
	r = sink_choose(s, &c.note, max, &sink);
	if (r == -EAGAIN) {
		wait_for_target(s);
	} else if (r == -EBUSY) {
		wait(s);
	}
	if (r < 0) {
		return r == -EBUSY || r == -ENODATA ? -EAGAIN : r;
	}
	if (s->filter) {
		c.note.filters = s->filter->filters;
		c.note.filter = s->filter->state;
		*max = *max < stream_filter_fit(s) ? *max : stream_filter_fit(s);
	}
	notes_commit(st->notes, &c.note, c.note.ino ? s->file->path : "");
	n = staging_take(st, s->pipe, *max);
	if (n > 0) {
		c.len = (size_t)n;
		(void)stream_filter_pass(s, &c.data, &c.len);
		listeners_tell(s, c.data, c.len);
		if (c.len) {
			sink(s, &c);
		}
		if (s->file && s->file->special && special_pending(s->file->special)) {
			wait_for_target(s); /* also when nothing more comes */
		}
	}
	staging_reset(st);
	return n;
}

/* ---- the end */

/* False: not now. */
static bool flush_held(struct stream *s)
{
	char held[FILTER_HELD_MAX];
	size_t n, done;

	if (s->file && s->file->special && !special_ready(s->file->special)) {
		wait_for_target(s);
		return false;
	}
	n = stream_filter_end(s, held);
	listeners_tell(s, held, n);
	if (n && s->file && s->file->special) {
		(void)special_write(s->file->special, held, n);
	} else if (n && s->file && s->file->fd >= 0 && !s->skip) {
		(void)file_append(s->file, held, n, &done);
	}
	listeners_flush(s);
	return true;
}

/* True when it was sent and the stream is gone. */
static bool send_closed(struct stream *s)
{
	struct message m;

	message_init(&m, MSG_LOG_CLOSED, 0);
	message_put_u64(&m, TAG_STREAM, s->id);
	message_put_u64(&m, TAG_LOST_LINES, s->lost_lines);
	message_put_u64(&m, TAG_LOST_BYTES, s->lost_bytes);
	if (channel_send(&s->lg->channel, &m) == 0) {
		forget(s);
		return true;
	}
	return false;
}

static void end(struct stream *s)
{
	if (!flush_held(s)) {
		return;
	}
	pace_leave(s);
	loop_io_leave(s->lg->loop, &s->io);
	cleanup_closep(&s->pipe);
	files_put(&s->lg->files, s->file);
	s->file = NULL;
	s->ended = true;
	(void)send_closed(s); /* else again when the channel has room */
}

void stream_take(struct stream *s)
{
	for (int i = 0; i < TAKES_PER_WAKE && !pace_over(&s->lg->pace); i++) {
		size_t asked = LOG_STAGING_SIZE;
		ssize_t n = take(s, &asked);

		if (n == 0) {
			end(s);
			return;
		}
		if (n < 0 && n != -EAGAIN) {
			hold(s, (int)n);
		}
		if (n < (ssize_t)asked) {
			return; /* that was all */
		}
	}
}

static void on_pipe(struct loop_io *io, unsigned events)
{
	(void)events;
	pace_take(container_of(io, struct stream, io));
}

void stream_drain(struct stream *s)
{
	int left = 0;

	if (s->pipe < 0 || ioctl(s->pipe, FIONREAD, &left) < 0) {
		return;
	}
	/* Not much more than was there: a worker that never stops writing must not keep us here.
	 * But a line that has come whole since is not torn. */
	while (left > 0) {
		size_t asked = LOG_STAGING_SIZE;
		ssize_t n = take(s, &asked);

		if (n <= 0) {
			return; /* its end, too, is for on_pipe() */
		}
		left -= (int)n;
	}
}

void streams_drain(struct logger *lg)
{
	for_each(lg, stream_drain);
}

/* Well below the time after which slotd takes slotd-log for hung. */
#define DRAIN_TURN_MAX MSECONDS(500)

static void drain_shown(struct stream *s)
{
	if (s->pid && usec_monotonic() < usec_add(s->lg->pace.began, DRAIN_TURN_MAX)) {
		stream_drain(s);
	}
}

void streams_drain_shown(struct logger *lg)
{
	/* Many lines of slotd's while workers write a lot: each line would wait for all of it. */
	pace_begin(&lg->pace);
	for_each(lg, drain_shown);
}

static void flush_one(struct stream *s)
{
	if (s->ended) {
		(void)send_closed(s);
	}
}

void streams_flush(struct logger *lg)
{
	for_each(lg, flush_one);
}

/* ---- setting up */

static struct rotation rotation_of(const struct message *m)
{
	return (struct rotation){
		.maxbytes = message_u64(m, TAG_MAXBYTES),
		.backups = (unsigned)message_u64(m, TAG_BACKUPS),
	};
}

/* Only an AUTO log has a mode. Nobody knows its name before asking for it: thousands of starts need
 * not wait for the disk. */
static struct file_owner owner_of(const struct message *m)
{
	return (struct file_owner){
		.mode = message_has(m, TAG_MODE) ? (mode_t)message_u64(m, TAG_MODE) : (mode_t)-1,
		.uid = message_has(m, TAG_UID) ? (uid_t)message_u64(m, TAG_UID) : (uid_t)-1,
		.gid = message_has(m, TAG_GID) ? (gid_t)message_u64(m, TAG_GID) : (gid_t)-1,
		.late = message_has(m, TAG_MODE),
	};
}

static void set_file(struct stream *s, struct message *m)
{
	const struct rotation rotation = rotation_of(m);
	const struct file_owner owner = owner_of(m);
	const char *path = message_text(m, TAG_PATH);
	struct log_file *old = s->file;
	int r = 0;

	s->file = NULL;
	if (path && strcmp(path, "/dev/null") != 0) {
		r = files_get(&s->lg->files, path, message_take_fd(m, 1), &rotation, &owner,
			      &s->file);
	}
	files_put(&s->lg->files, old);
	if (r < 0 && s->file && !sink_error_passes(r)) {
		loss_begins(s, r);
	} else if (r < 0 && !s->file) {
		logger_report(s->lg, LOG_ERR, "%s: %s: %s; its output goes nowhere", s->name, path,
			      strerror(-r));
	}
}

static void set_rest(struct stream *s, struct message *m)
{
	unsigned filters = (message_u64(m, TAG_STRIP_ANSI) ? FILTER_ANSI : 0u) |
			   (message_u64(m, TAG_CAPTURE) ? FILTER_CAPTURE : 0u) |
			   (message_u64(m, TAG_INDENT) ? FILTER_INDENT : 0u);

	s->pid = (uint32_t)message_u64(m, TAG_PID);
	s->channel = (uint8_t)message_u64(m, TAG_CHANNEL);
	s->syslog = message_u64(m, TAG_SYSLOG) != 0;
	s->events = message_u64(m, TAG_EVENTS) != 0;
	free(s->identifier);
	s->identifier =
		message_has(m, TAG_IDENTIFIER) ? strdup(message_str(m, TAG_IDENTIFIER)) : NULL;
	if (stream_filter_set(s, filters, message_u64(m, TAG_CAPTURE)) < 0) {
		logger_report(s->lg, LOG_ERR, "%s: out of memory: no capture mode, no strip_ansi",
			      s->name);
	}
}

static struct stream *stream_new(struct logger *lg, struct message *m)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s) {
		return NULL;
	}
	s->name = strdup(message_str(m, TAG_NAME));
	if (!s->name) {
		free(s);
		return NULL;
	}
	s->lg = lg;
	s->id = (uint32_t)message_u64(m, TAG_STREAM);
	s->memory = notes_stream(lg->staging.notes, s->id);
	s->pipe = message_take_fd(m, 0);
	s->lost_lines = message_u64(m, TAG_LOST_LINES);
	s->lost_bytes = message_u64(m, TAG_LOST_BYTES);
	loop_io_init(&s->io, on_pipe);
	s->next = *bucket(lg, s->id);
	*bucket(lg, s->id) = s;
	return s;
}

/* A predecessor began a line, and its file was renamed since: the line is to end there. */
static void end_begun_line(struct stream *s)
{
	const struct log_stream_note *m = s->memory;
	struct log_file *f = s->file;

	if (m && m->ino && f && f->ino && f->ino != m->ino && f->users == 1 &&
	    file_open_inode(f, m->dev, m->ino) == 0) {
		f->reopen = true;
	}
}

/* What a predecessor had taken of it and could not put into a file. */
static void take_orphan(struct stream *s)
{
	struct streams *all = &s->lg->streams;

	if (all->orphan.stream != s->id) {
		return;
	}
	if (all->orphan.loss.error) {
		loss_begins(s, all->orphan.loss.error);
		loss_add(s, &all->orphan.loss);
	}
	if (all->orphan.rest && s->file && s->file->special) {
		(void)special_write(s->file->special, all->orphan.buf, all->orphan.rest);
	}
	free(all->orphan.buf);
	memset(&all->orphan, 0, sizeof(all->orphan));
}

/* A job's two streams have one file: what slotd said before the commands began is above theirs. */
static void drain_those_before(const struct stream *s)
{
	if (s->pid || !s->file) {
		return;
	}
	for (size_t i = 0; i < STREAM_BUCKETS; i++) {
		for (struct stream *t = s->lg->streams.buckets[i]; t; t = t->next) {
			if (t != s && t->file == s->file) {
				stream_drain(t);
			}
		}
	}
}

void stream_set(struct logger *lg, struct message *m)
{
	struct stream *s = stream_find(lg, (uint32_t)message_u64(m, TAG_STREAM));
	bool is_new = !s;

	if (is_new && lg->staging.fd >= 0) {
		s = stream_new(lg, m);
	}
	if (!s) {
		logger_report(lg, LOG_ERR, "%s: %s: its output stays in the pipe",
			      message_str(m, TAG_NAME),
			      lg->staging.fd < 0 ? "no staging window" : "out of memory");
		return;
	}
	set_file(s, m);
	set_rest(s, m);
	if (is_new) {
		end_begun_line(s);
		take_orphan(s);
		drain_those_before(s);
	}
	watch(s); /* should it wait for a target, this may be another now */
	if (message_u64(m, TAG_DONE)) {
		stream_drain(s);
		end(s); /* whoever still has the pipe's other end writes to nobody */
	}
}

void streams_init(struct logger *lg)
{
	lg->streams.null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	datagram_init(&lg->streams.syslog, DATAGRAM_SYSLOG);
	loop_timer_init(&lg->streams.timer, on_timer);
	lg->streams.share.again = target_has_room;
	lg->streams.share.data = lg;
}

/* We end, the stream does not: what is known of it stays in the notes. */
static void leave(struct stream *s)
{
	listeners_flush(s);
	(void)stream_free(s);
}

void streams_done(struct logger *lg)
{
	for_each(lg, leave);
	loop_timer_stop(lg->loop, &lg->streams.timer);
	share_done(lg);
	free(lg->streams.orphan.buf);
	datagram_done(&lg->streams.syslog);
	cleanup_closep(&lg->streams.null_fd);
}
