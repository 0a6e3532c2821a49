#include "follow.h"

#include "control.h"
#include "names.h"
#include <slotd/command.h>
#include <slotd/fault.h>

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	LAST_BYTES = 1024, /* what a follower gets at first, as Supervisor gives it */
	QUIET_MAX = 16,	   /* ticks between two questions whether the name is another file by now */
};

const usec_t follow_tick = MSECONDS(250);

struct follower {
	struct request *rq;
	struct control *control;
	char name[2 * NAMESPEC_PART_MAX + 8]; /* "": slotd's own log */
	unsigned channel;
	int fd;
	off_t at; /* what was sent so far */
	unsigned quiet;
	struct loop_timer tick;
	struct pending pending;
};

static command_fn on_opened, on_reopened;

static int ask(struct follower *f, command_fn *answered)
{
	struct message m;

	message_init(&m, MSG_COMMAND, command_id(&f->control->commands));
	peer_put(request_peer(f->rq), &m);
	message_put_u64(&m, TAG_COMMAND, COMMAND_TAIL);
	if (*f->name) {
		message_put_text(&m, TAG_NAME, f->name);
		message_put_u64(&m, TAG_CHANNEL, f->channel);
	}
	return command_send(&f->control->commands, &f->pending, &m, answered);
}

/* ---- the stream */

static ssize_t read_some(void *data, char *buf, size_t size)
{
	struct follower *f = data;
	ssize_t n;

	do {
		n = pread(f->fd, buf, size, f->at);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		f->at += n;
		f->quiet = 0;
	}
	return n < 0 ? -errno : n;
}

static void arm(struct follower *f)
{
	loop_timer_set(f->control->loop, &f->tick, usec_add(usec_monotonic(), follow_tick));
}

bool follow_ask_now(unsigned quiet)
{
	return quiet % QUIET_MAX == 0 || (quiet < QUIET_MAX && !(quiet & (quiet - 1)));
}

static void on_tick(struct loop_timer *t)
{
	struct follower *f = container_of(t, struct follower, tick);
	struct stat st;

	arm(f);
	if (fstat(f->fd, &st) < 0) {
		return;
	}
	if (st.st_size < f->at) { /* truncated: go on with what is there now */
		f->at = 0;
	}
	if (st.st_size > f->at) {
		request_stream_more(f->rq);
	} else if (follow_ask_now(++f->quiet) && !f->pending.id) {
		(void)ask(f, on_reopened); /* it failed: asked again later */
	}
}

/* Rotated: the old file was read to its end, the new one is sent from its start. */
static void on_reopened(struct pending *p, struct answer *a)
{
	struct follower *f = container_of(p, struct follower, pending);
	struct stat old, now;

	if (a->fd < 0 || fstat(f->fd, &old) < 0 || fstat(a->fd, &now) < 0) {
		return;
	}
	if (old.st_size > f->at || (old.st_ino == now.st_ino && old.st_dev == now.st_dev)) {
		return;
	}
	cleanup_closep(&f->fd);
	f->fd = TAKE_FD(a->fd);
	f->at = 0;
	request_stream_more(f->rq);
}

static unsigned status_of(int64_t code)
{
	switch (code) {
	case FAULT_SUCCESS:
	case 0:
	case FAULT_NO_FILE:
	case FAULT_BAD_NAME:
		return MHD_HTTP_NOT_FOUND; /* success without a descriptor is no file either */
	case FAULT_FORBIDDEN:
		return MHD_HTTP_FORBIDDEN;
	default:
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	}
}

static void set_headers(struct request *rq, time_t modified)
{
	char text[64];
	struct tm tm;

	if (gmtime_r(&modified, &tm) &&
	    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm)) {
		request_set_header(rq, MHD_HTTP_HEADER_LAST_MODIFIED, text);
	}
	request_set_header(rq, "X-Accel-Buffering", "no"); /* nginx, pass it on as it comes */
}

static void on_opened(struct pending *p, struct answer *a)
{
	struct follower *f = container_of(p, struct follower, pending);
	struct stat st;

	if (a->fd < 0 || fstat(a->fd, &st) < 0) {
		request_reply_status(f->rq, status_of(a->code));
		return;
	}
	f->fd = TAKE_FD(a->fd);
	f->at = st.st_size > LAST_BYTES ? st.st_size - LAST_BYTES : 0;
	arm(f);
	set_headers(f->rq, st.st_mtime);
	request_stream(f->rq, "text/plain;charset=utf-8", read_some);
}

/* ---- the request */

static void begin(struct request *rq, const char *name, unsigned channel)
{
	struct follower *f = calloc(1, sizeof(*f));

	if (!f) {
		request_reply_status(rq, MHD_HTTP_SERVICE_UNAVAILABLE);
		return;
	}
	f->rq = rq;
	f->control = request_control(rq);
	f->channel = channel;
	f->fd = -EBADF;
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	loop_timer_init(&f->tick, on_tick);
	request_set_data(rq, f);
	if (ask(f, on_opened) < 0) {
		request_reply_status(rq, MHD_HTTP_SERVICE_UNAVAILABLE);
	}
}

void follow_run_main(struct request *rq)
{
	begin(rq, "", 0);
}

/* NAME, NAME/stdout or NAME/stderr; -1 for another channel. */
static int take_channel(char *name)
{
	char *slash = strchr(name, '/');

	if (!slash) {
		return 0;
	}
	*slash = '\0';
	return strcmp(slash + 1, "stdout") == 0 ? 0 : strcmp(slash + 1, "stderr") == 0 ? 1 : -1;
}

void follow_run(struct request *rq)
{
	const char *path = request_path(rq) + strlen("/logtail/");
	char name[2 * NAMESPEC_PART_MAX + 8];
	struct namespec spec;
	int channel;

	if (strlen(path) >= sizeof(name)) {
		request_reply_status(rq, MHD_HTTP_NOT_FOUND);
		return;
	}
	(void)snprintf(name, sizeof(name), "%s", path);
	channel = take_channel(name);
	if (channel < 0 || namespec_parse(name, &spec) < 0 || spec.whole ||
	    !mirror_worker(&request_control(rq)->mirror, spec.group, spec.process)) {
		request_reply_status(rq, MHD_HTTP_NOT_FOUND);
		return;
	}
	(void)namespec_format(spec.group, spec.process, name, sizeof(name));
	begin(rq, name, (unsigned)channel);
}

void follow_gone(struct request *rq)
{
	struct follower *f = request_data(rq);

	if (!f) {
		return;
	}
	command_cancel(&f->control->commands, &f->pending);
	loop_timer_stop(f->control->loop, &f->tick);
	cleanup_closep(&f->fd);
	free(f);
}
