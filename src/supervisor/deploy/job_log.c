#include "deploy/job_log.h"
#include "link/inheritance.h"
#include "link/kept.h"

#include <slotd/cleanup.h>
#include <slotd/indent.h>
#include <slotd/keep.h>
#include <slotd/log.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum {
	QUEUE_MAX = 64 * 1024,
	LOG_MAXBYTES = 8 << 20,
	LOG_BACKUPS = 1,
};

static void flush(struct job_log *log);

static void on_writable(struct loop_io *io, unsigned events)
{
	(void)events;
	flush(container_of(io, struct job_log, io));
}

/* ---- streams */

static void own_closed(void *data)
{
	struct job_log *log = data;

	log->own = 0;
	log->written(log);
}

static void commands_closed(void *data)
{
	struct job_log *log = data;

	log->commands = 0;
	flush(log);
	log->written(log);
}

static const struct stream_spec own_spec = {
	.uid = (uid_t)-1,
	.gid = (gid_t)-1,
	.closed = own_closed,
};

static int make_stream(struct job_log *log, const struct stream_spec *wanted, uint32_t *ret_id,
		       int *ret_fd)
{
	struct stream_spec spec = *wanted;
	char name[LEDGER_LABEL_MAX];

	if (!log->service || !log->path) {
		return -ENOMEM;
	}
	(void)snprintf(name, sizeof(name), "job #%u", log->number);
	spec.group = log->service;
	spec.name = name;
	spec.path = log->path;
	spec.maxbytes = LOG_MAXBYTES;
	spec.backups = LOG_BACKUPS;
	spec.data = log;
	return streams_make(log->sup, &spec, ret_id, ret_fd);
}

static void drop_queue(struct job_log *log)
{
	free(log->queue);
	log->queue = NULL;
	log->len = 0;
}

/* Should slotd die, the next one writes on into the same pipe. */
static const char *entry_of(const struct job_log *log, char *buf, size_t size)
{
	(void)snprintf(buf, size, KEEP_JOB_PREFIX "%u", log->number);
	return buf;
}

static void keep_own(struct job_log *log)
{
	char name[32];

	keep_put(log->sup, entry_of(log, name, sizeof(name)),
		 &(struct kept_fd){log->fd, KEEP_TAG_LINES}, 1);
}

static void close_own(struct job_log *log)
{
	char name[32];

	loop_io_leave(log->sup->loop, &log->io);
	keep_drop(log->sup, entry_of(log, name, sizeof(name)));
	cleanup_closep(&log->fd);
	drop_queue(log);
}

static void init(struct job_log *log, struct supervisor *sup, const char *service, unsigned number,
		 const char *path, job_log_fn *written)
{
	*log = (struct job_log){
		.sup = sup,
		.service = strdup(service),
		.path = strdup(path),
		.number = number,
		.fd = -EBADF,
		.written = written,
	};
	loop_io_init(&log->io, on_writable);
}

static int open_own(struct job_log *log)
{
	int r = make_stream(log, &own_spec, &log->own, &log->fd);

	if (r == 0 && fcntl(log->fd, F_SETFL, O_NONBLOCK) < 0) {
		r = -errno;
		streams_leave(log->sup, log->own);
		log->own = 0;
		cleanup_closep(&log->fd);
	}
	if (r == 0) {
		keep_own(log);
	}
	return r;
}

int job_log_open(struct job_log *log, struct supervisor *sup, const char *service, unsigned number,
		 const char *path, job_log_fn *written)
{
	init(log, sup, service, number, path, written);
	return open_own(log);
}

static uint32_t former(struct job_log *log, bool indent, void (*closed)(void *))
{
	return streams_former(log->sup, &(struct stream_spec){.path = log->path,
							      .indent = indent,
							      .closed = closed,
							      .data = log});
}

static int former_fd(const struct job_log *log)
{
	char name[32];

	return inherited_take(inherited_item(log->sup, entry_of(log, name, sizeof(name))),
			      KEEP_TAG_LINES);
}

int job_log_adopt(struct job_log *log, struct supervisor *sup, const char *service, unsigned number,
		  const char *path, job_log_fn *written)
{
	int r = 0;

	init(log, sup, service, number, path, written);
	log->commands = former(log, true, commands_closed);
	log->fd = former_fd(log);
	if (log->fd >= 0) {
		log->own = former(log, false, own_closed);
	}
	if (log->own) {
		keep_own(log);
	} else {
		cleanup_closep(&log->fd); /* it was at its end, or its beginning */
		r = open_own(log);
	}
	job_log_begin(log);
	return r;
}

bool job_log_adopt_rest(struct job_log *log, struct supervisor *sup, const char *service,
			unsigned number, const char *path, job_log_fn *written)
{
	init(log, sup, service, number, path, written);
	log->commands = former(log, true, commands_closed);
	log->own = former(log, false, own_closed);
	log->fd = former_fd(log);
	if (!job_log_open_still(log)) {
		job_log_done(log);
		*log = (struct job_log){0};
		return false;
	}
	if (log->fd >= 0) {
		keep_own(log);
	}
	job_log_begin(log);
	return true;
}

void job_log_begin(struct job_log *log)
{
	log->begun = true;
	streams_begin(log->sup, log->own);
	streams_begin(log->sup, log->commands);
}

/* ---- slotd's lines */

static void end_own(struct job_log *log)
{
	close_own(log);
	streams_end(log->sup, log->own);
}

/* The pipe's reader is slotd itself as long as slotd-log has not read all: it does not break. */
static void write_queue(struct job_log *log)
{
	while (log->len) {
		ssize_t n = write(log->fd, log->queue, log->len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			loop_io_set(log->sup->loop, &log->io, log->fd, LOOP_WRITE);
			return;
		}
		if (n <= 0) {
			log_line(LOG_ERR, "%s: no more lines can be written to %s: %s",
				 log->service, log->path, strerror(errno));
			break;
		}
		log->len -= (size_t)n;
		memmove(log->queue, log->queue + n, log->len);
	}
	loop_io_stop(log->sup->loop, &log->io);
	drop_queue(log);
}

static void flush(struct job_log *log)
{
	if (log->fd < 0 || log->commands) {
		return;
	}
	write_queue(log);
	if (log->ending && !log->len) {
		end_own(log);
	}
}

static void put(struct job_log *log, const char *data, size_t len)
{
	char *more;

	if (log->fd < 0) {
		return;
	}
	more = log->len + len <= QUEUE_MAX ? realloc(log->queue, log->len + len) : NULL;
	if (!more) {
		log_line(LOG_ERR, "%s: lines are missing in %s: %s", log->service, log->path,
			 log->len + len > QUEUE_MAX ? "too many wait to be written"
						    : "out of memory");
		return;
	}
	memcpy(more + log->len, data, len);
	log->queue = more;
	log->len += len;
	flush(log);
}

void job_log_line(struct job_log *log, const char *text)
{
	char line[4096];
	int n = snprintf(line, sizeof(line), "%s\n", text);

	if (n >= (int)sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	put(log, line, (size_t)n);
}

void job_log_text(struct job_log *log, const char *data, size_t len)
{
	enum {
		PIECE = 256,
	};
	char out[INDENT_ROOM(PIECE)];

	if (len == 0) {
		put(log, out, indent_end(&log->column, out));
	}
	for (size_t at = 0; at < len; at += PIECE) {
		size_t n = len - at < PIECE ? len - at : PIECE;

		put(log, out, indent_run(&log->column, data + at, n, out));
	}
}

/* ---- commands */

int job_log_commands(struct job_log *log, uid_t uid, gid_t gid, int *ret_fd)
{
	const struct stream_spec spec = {
		.indent = true, .uid = uid, .gid = gid, .closed = commands_closed};
	int r = make_stream(log, &spec, &log->commands, ret_fd);

	if (r == 0 && log->begun) {
		streams_begin(log->sup, log->commands);
	}
	return r;
}

void job_log_commands_end(struct job_log *log)
{
	if (log->commands) {
		streams_end(log->sup, log->commands);
	}
}

/* ---- the end */

void job_log_end(struct job_log *log)
{
	log->ending = true;
	job_log_commands_end(log);
	flush(log);
}

bool job_log_open_still(const struct job_log *log)
{
	return log->own || log->commands;
}

void job_log_done(struct job_log *log)
{
	if (!log->sup) {
		return;
	}
	if (log->fd >= 0 && log->len) {
		write_queue(log);
	}
	streams_leave(log->sup, log->own);
	streams_leave(log->sup, log->commands);
	close_own(log);
	free(log->service);
	free(log->path);
}
