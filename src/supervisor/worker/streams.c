#include "worker/streams.h"
#include "link/daemon_row.h"
#include "link/helpers.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "link/ownlog.h"
#include "link/targets.h"
#include "worker/fcgi.h"
#include "worker/observers.h"
#include "worker/process.h"
#include "worker/process_row.h"
#include "worker/stdin.h"
#include "worker/stream.h"

#include <slotd/cleanup.h>
#include <slotd/lognote.h>
#include <slotd/os.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum {
	BUCKETS = 1024,
};

struct streams {
	struct supervisor *sup;
	struct stream *buckets[BUCKETS];
	int staging_fd, notes_fd;
};

static struct streams *streams_of(const struct supervisor *sup)
{
	return sup->streams;
}

/* ---- the table */

static struct stream **place_of(struct streams *s, uint32_t id)
{
	struct stream **at = &s->buckets[id % BUCKETS];

	while (*at && (*at)->id != id) {
		at = &(*at)->next;
	}
	return at;
}

void stream_commit(const struct stream *st)
{
	const struct ledger_stream row = {
		.id = st->id,
		.worker = st->process ? st->process->worker.id : UINT32_MAX,
		.channel = (uint32_t)st->channel,
		.pid = st->pid,
		.maxbytes = st->config.maxbytes,
		.capture_maxbytes = st->config.capture_maxbytes,
		.lost_lines = st->lost_lines,
		.lost_bytes = st->lost_bytes,
		.backups = st->config.backups,
		.path = st->ledger_path,
		.name = st->ledger_name,
		.syslog = st->config.syslog,
		.events = st->config.events_enabled,
		.strip_ansi = st->strip_ansi,
		.is_auto = st->is_auto,
		.indent = st->indent,
		.ending = st->ending,
	};

	ledger_put_stream(st->all->sup->ledger, st->row, &row);
}

struct stream *stream_free(struct stream *st)
{
	if (st) {
		if (st->id) {
			ledger_drop(st->all->sup->ledger, LEDGER_TABLE_STREAM, st->row);
		}
		cleanup_closep(&st->fd);
		free(st->name);
		free(st->group);
		free(st->path);
		free(st);
	}
	return NULL;
}

static void stream_freep(struct stream **st)
{
	*st = stream_free(*st);
}

static void leave(struct process *p, const struct stream *st)
{
	struct stream **at = &p->open_streams;

	while (*at && *at != st) {
		at = &(*at)->next_of_process;
	}
	if (*at) {
		*at = st->next_of_process;
	}
	if (p->streams[st->channel] == st->id) {
		p->streams[st->channel] = 0;
		process_commit(p);
	}
	process_keep_less(p);
}

const char *stream_entry(const struct stream *st, char *buf, size_t size)
{
	(void)snprintf(buf, size, KEEP_STREAM_PREFIX "%u", st->id);
	return buf;
}

static void drop(struct streams *s, uint32_t id)
{
	struct stream **at = place_of(s, id), *st = *at;
	void (*closed)(void *) = st ? st->closed : NULL;
	void *data = st ? st->data : NULL;
	char name[32];

	if (!st) {
		return;
	}
	*at = st->next;
	if (st->process) {
		leave(st->process, st);
	} else {
		keep_drop(s->sup, stream_entry(st, name, sizeof(name)));
	}
	stream_free(st);
	if (closed) {
		closed(data);
	}
}

void stream_insert(struct stream *st)
{
	*place_of(st->all, st->id) = st;
}

/* A number of its own, and a row in the ledger. */
static int enter(struct stream *st)
{
	struct supervisor *sup = st->all->sup;
	int row = ledger_take(sup->ledger, LEDGER_TABLE_STREAM, NULL);
	int r = row < 0 ? row : ledger_text_new(sup->ledger, st->path, &st->ledger_path);

	if (r < 0) {
		if (row >= 0) {
			ledger_drop(sup->ledger, LEDGER_TABLE_STREAM, (unsigned)row);
		}
		return r;
	}
	if (++sup->next_stream == 0) {
		sup->next_stream = 1;
	}
	supervisor_commit(sup);
	st->row = (unsigned)row;
	st->id = sup->next_stream;
	stream_commit(st);
	return 0;
}

/* A pipe with our end in st, and a place in the table. */
static int lay(struct stream *st, uid_t uid, gid_t gid, int *ret_child)
{
	auto_close int write_end = -EBADF;
	int ends[2], r = os_pipe_of(uid, gid, ends);

	if (r < 0) {
		return r;
	}
	st->fd = ends[0];
	write_end = ends[1];
	if (fcntl(st->fd, F_SETFL, O_NONBLOCK) < 0) {
		return -errno;
	}
	r = enter(st);
	if (r == 0) {
		stream_insert(st);
		*ret_child = TAKE_FD(write_end);
	}
	return r;
}

static struct stream *stream_new(struct supervisor *sup, const char *group, const char *name,
				 const char *path)
{
	struct stream *st = calloc(1, sizeof(*st));

	if (!st) {
		return NULL;
	}
	st->all = streams_of(sup);
	st->fd = -EBADF;
	st->name = strdup(name);
	st->group = strdup(group);
	st->path = path ? strdup(path) : NULL;
	return st->name && st->group && (!path || st->path) ? st : stream_free(st);
}

static int open_output(struct process *p, int channel, int *ret_child)
{
	const struct owner *owner = &p->config->program->user;
	CLEANUP(stream_freep)
	struct stream *st =
		stream_new(p->sup, p->group->name, p->config->name, p->log_paths[channel]);
	int r;

	if (!st) {
		return -ENOMEM;
	}
	st->process = p;
	st->channel = channel;
	st->config = p->config->logs[channel];
	st->config.path = NULL;
	st->is_auto = p->config->logs[channel].kind == LOG_KIND_AUTO;
	st->strip_ansi = p->config->program->strip_ansi;
	r = lay(st, owner->uid, owner->gid, ret_child);
	if (r < 0) {
		return r;
	}
	p->streams[channel] = st->id;
	st->next_of_process = p->open_streams;
	p->open_streams = TAKE_PTR(st);
	return 0;
}

/* ---- what slotd-log is told */

/* -EBADF: slotd-log opens the path, or says that it cannot. */
static int open_target(struct stream *st)
{
	struct diag diag = {0};
	int fd;

	if (!st->config.target.found) {
		return -EBADF;
	}
	fd = target_open(&st->config.target, &diag);
	if (fd < 0 && !st->refusal_told) {
		st->refusal_told = true;
		log_line(LOG_ERR, "%s: %s cannot be written: %s", st->name, st->path, diag.text);
	}
	return fd < 0 ? -EBADF : fd;
}

static void announce(struct streams *s, struct stream *st)
{
	struct helper *log = helper_of(s->sup, HELPER_LOG);
	auto_close int target = open_target(st);
	struct message m;

	message_init(&m, MSG_LOG_STREAM, 0);
	message_put_u64(&m, TAG_STREAM, st->id);
	message_put_text(&m, TAG_NAME, st->name);
	message_put_text(&m, TAG_GROUP, st->group);
	message_put_u64(&m, TAG_CHANNEL, (uint64_t)st->channel);
	message_put_u64(&m, TAG_PID, (uint64_t)st->pid);
	message_put_text(&m, TAG_PATH, st->path);
	message_put_u64(&m, TAG_MAXBYTES, st->config.maxbytes);
	message_put_u64(&m, TAG_BACKUPS, st->config.backups);
	message_put_u64(&m, TAG_SYSLOG, st->config.syslog);
	message_put_u64(&m, TAG_CAPTURE, st->config.capture_maxbytes);
	message_put_u64(&m, TAG_EVENTS, st->config.events_enabled);
	message_put_u64(&m, TAG_STRIP_ANSI, st->strip_ansi);
	message_put_u64(&m, TAG_INDENT, st->indent);
	message_put_u64(&m, TAG_DONE, st->ending);
	message_put_text(&m, TAG_IDENTIFIER, s->sup->config->supervisord.identifier);
	if (st->is_auto) {
		message_put_u64(&m, TAG_MODE, AUTO_LOG_MODE);
	}
	message_put_u64(&m, TAG_LOST_LINES, st->lost_lines);
	message_put_u64(&m, TAG_LOST_BYTES, st->lost_bytes);
	message_put_fd(&m, st->fd);
	if (target >= 0) {
		message_put_fd(&m, target);
	}
	st->announced = true;
	if (log && channel_open(&log->channel)) {
		(void)helper_send(log, &m); /* a full queue: the stall restarts slotd-log */
	}
}

static void setup(struct streams *s, struct helper *h)
{
	struct message m;

	message_init(&m, MSG_LOG_SETUP, 0);
	message_put_u64(&m, TAG_PACKS, 1);
	message_put_fd(&m, s->staging_fd);
	message_put_fd(&m, s->notes_fd);
	(void)helper_send(h, &m);
}

void streams_refill(struct helper *h)
{
	struct streams *s = streams_of(h->sup);

	setup(s, h);
	ownlog_refill(h->sup);
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct stream *st = s->buckets[i]; st; st = st->next) {
			if (st->announced) {
				announce(s, st);
			}
		}
	}
}

/* Totals of the stream; slotd-log has said so in a report. */
static void on_lost(struct streams *s, const struct message *m)
{
	struct stream *st = *place_of(s, (uint32_t)message_u64(m, TAG_STREAM));
	uint64_t lines = message_u64(m, TAG_LOST_LINES), bytes = message_u64(m, TAG_LOST_BYTES);

	if (!st || bytes <= st->lost_bytes) {
		return;
	}
	if (st->process) {
		st->process->lost_lines += lines - st->lost_lines;
		process_commit(st->process);
		process_changed(st->process);
		process_output_lost(st->process, (int)message_i64(m, TAG_CODE));
	}
	st->lost_lines = lines;
	st->lost_bytes = bytes;
	stream_commit(st);
}

bool streams_whose(struct supervisor *sup, const struct message *m, struct stream_owner *ret)
{
	const struct stream *st = *place_of(streams_of(sup), (uint32_t)message_u64(m, TAG_STREAM));

	if (!st) {
		return false;
	}
	*ret = (struct stream_owner){st->group, st->name,
				     st->process && st->process->pid == st->pid ? st->process
										: NULL};
	return true;
}

void streams_received(struct helper *h, struct message *m)
{
	struct streams *s = streams_of(h->sup);

	switch (m->type) {
	case MSG_LOG_CLOSED:
		on_lost(s, m);
		drop(s, (uint32_t)message_u64(m, TAG_STREAM));
		break;
	case MSG_LOG_LOST:
		on_lost(s, m);
		break;
	default:
		break;
	}
}

void streams_reopen(struct supervisor *sup)
{
	struct message m;

	message_init(&m, MSG_LOG_REOPEN, 0);
	(void)helper_send(helper_of(sup, HELPER_LOG), &m);
}

/* ---- one run of a worker */

int streams_open(struct process *p, int ret_child[3])
{
	int r;

	ret_child[0] = ret_child[1] = ret_child[2] = -EBADF;
	/* Those of the run before go on without us until they are drained. */
	for (int i = 0; i < 2; i++) {
		p->streams[i] = 0;
	}
	r = p->config->program->kind == PROGRAM_FCGI ? fcgi_stdin(p, &ret_child[0])
						     : stdin_open(p, &ret_child[0]);
	if (r == 0) {
		r = open_output(p, 0, &ret_child[1]);
	}
	if (r == 0) {
		r = process_piped(p, &ret_child[1]);
	}
	if (r == 0 && !p->config->program->redirect_stderr) {
		r = open_output(p, 1, &ret_child[2]);
	} else if (r == 0) {
		ret_child[2] = fcntl(ret_child[1], F_DUPFD_CLOEXEC, 3);
		r = ret_child[2] < 0 ? -errno : 0;
	}
	if (r < 0) {
		for (int i = 0; i < 3; i++) {
			cleanup_closep(&ret_child[i]);
		}
		streams_abandon(p);
	}
	return r;
}

void streams_abandon(struct process *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->streams[i]) {
			drop(streams_of(p->sup), p->streams[i]);
		}
	}
	stdin_close(p);
}

void streams_started(struct process *p)
{
	struct streams *s = streams_of(p->sup);

	for (int i = 0; i < 2; i++) {
		struct stream *st = p->streams[i] ? *place_of(s, p->streams[i]) : NULL;

		if (st) {
			st->pid = p->pid;
			stream_commit(st);
			announce(s, st);
		}
	}
}

/* Without a worker it has an entry of its own, and its name in its row. */
static void stand_alone(struct stream *st, const char *namespec)
{
	struct supervisor *sup = st->all->sup;
	char name[32];

	st->process = NULL;
	keep_put_one(sup, stream_entry(st, name, sizeof(name)), st->fd);
	if (ledger_text_new(sup->ledger, namespec, &st->ledger_name) < 0) {
		log_line(LOG_ERR, "%s: no room in the ledger for a stream's name", namespec);
	}
	stream_commit(st);
}

void streams_forget(struct process *p)
{
	stdin_close(p);
	for (struct stream *st = p->open_streams; st; st = st->next_of_process) {
		stand_alone(st, p->namespec);
	}
	p->open_streams = NULL;
}

/* ---- those of jobs */

int streams_make(struct supervisor *sup, const struct stream_spec *spec, uint32_t *ret_id,
		 int *ret_fd)
{
	CLEANUP(stream_freep)
	struct stream *st = stream_new(sup, spec->group, spec->name, spec->path);
	char namespec[LEDGER_NAME_MAX];
	int r;

	if (!st) {
		return -ENOMEM;
	}
	st->config.maxbytes = spec->maxbytes;
	st->config.backups = spec->backups;
	st->indent = spec->indent;
	r = lay(st, spec->uid, spec->gid, ret_fd);
	if (r < 0) {
		return r;
	}
	*ret_id = st->id;
	st->closed = spec->closed;
	st->data = spec->data;
	(void)snprintf(namespec, sizeof(namespec), "%s:%s", spec->group, spec->name);
	stand_alone(TAKE_PTR(st), namespec);
	return 0;
}

static bool is_meant(const struct stream *st, const struct stream_spec *spec)
{
	return !st->process && !st->pid && st->indent == spec->indent && st->path &&
	       strcmp(st->path, spec->path) == 0;
}

uint32_t streams_former(struct supervisor *sup, const struct stream_spec *spec)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct stream *st = streams_of(sup)->buckets[i]; st; st = st->next) {
			if (is_meant(st, spec)) {
				st->closed = spec->closed;
				st->data = spec->data;
				return st->id;
			}
		}
	}
	return 0;
}

void streams_begin(struct supervisor *sup, uint32_t id)
{
	struct stream *st = *place_of(streams_of(sup), id);

	if (st && !st->announced) {
		announce(st->all, st);
	}
}

void streams_end(struct supervisor *sup, uint32_t id)
{
	struct stream *st = *place_of(streams_of(sup), id);

	if (st && !st->ending) {
		st->ending = true;
		stream_commit(st);
		if (st->announced) {
			announce(st->all, st);
		}
	}
}

void streams_leave(struct supervisor *sup, uint32_t id)
{
	struct stream *st = *place_of(streams_of(sup), id);

	if (st) {
		st->closed = NULL;
		streams_end(sup, id);
		streams_begin(sup, id);
	}
}

/* ---- all */

/* What a slotd-log had in hand when a slotd was killed is in that one's. */
static int take_staging(struct streams *s)
{
	struct inherited *former = inherited_item(s->sup, KEEP_LOG_STAGING);

	s->staging_fd = inherited_take(former, KEEP_TAG_STAGING);
	s->notes_fd = inherited_take(former, KEEP_TAG_NOTES);
	if (s->staging_fd >= 0 && s->notes_fd >= 0) {
		return 0;
	}
	cleanup_closep(&s->staging_fd);
	cleanup_closep(&s->notes_fd);
	return lognote_create(&s->staging_fd, &s->notes_fd);
}

int streams_init(struct supervisor *sup, struct diag *diag)
{
	struct streams *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		return diag_set_errno(diag, -ENOMEM, "no logs");
	}
	s->sup = sup;
	s->staging_fd = s->notes_fd = -EBADF;
	sup->streams = s;
	r = take_staging(s);
	if (r < 0) {
		return diag_set_errno(diag, r, "no memory for logs in flight");
	}
	keep_put(sup, KEEP_LOG_STAGING,
		 (struct kept_fd[]){{s->staging_fd, KEEP_TAG_STAGING},
				    {s->notes_fd, KEEP_TAG_NOTES}},
		 2);
	return 0;
}

void streams_done(struct supervisor *sup)
{
	struct streams *s = sup->streams;

	if (!s) {
		return;
	}
	for (size_t i = 0; i < BUCKETS; i++) {
		while (s->buckets[i]) {
			struct stream *st = s->buckets[i];

			s->buckets[i] = st->next;
			stream_free(st);
		}
	}
	cleanup_closep(&s->staging_fd);
	cleanup_closep(&s->notes_fd);
	free(s);
	sup->streams = NULL;
}
