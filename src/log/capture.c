#include "capture.h"

#include "logger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

enum {
	EVENTS_QUEUED_MAX = 1 << 20, /* of the channel's queue; the rest is for what must arrive */
	FILTER_BUFFER = LOG_STAGING_SIZE + FILTER_HELD_MAX,
};

/* ---- events */

void stream_event(struct stream *s, enum log_event_kind kind, const char *data, size_t n)
{
	struct logger *lg = s->lg;
	struct message m;

	if (lg->channel.queued + n > EVENTS_QUEUED_MAX) {
		if (lg->streams.events_dropped++ == 0) {
			logger_report(lg, LOG_ERR,
				      "%s: events of its output are left out: slotd "
				      "does not keep up",
				      s->name);
		}
		return;
	}
	do {
		size_t piece = n < MESSAGE_BYTES_MAX ? n : MESSAGE_BYTES_MAX;

		message_init(&m, MSG_LOG_EVENT, 0);
		message_put_u64(&m, TAG_STREAM, s->id);
		message_put_u64(&m, TAG_CHANNEL, s->channel);
		message_put_u64(&m, TAG_KIND, kind);
		message_put_u64(&m, TAG_PID, s->pid);
		message_put_u64(&m, TAG_COUNT, n - piece);
		message_put_bytes(&m, TAG_BYTES, data, piece);
		(void)channel_send(&lg->channel, &m); /* no slotd, no listeners */
		data += piece;
		n -= piece;
	} while (n);
}

/* ---- captured text */

static bool make_room(struct stream_filter *f, size_t wanted)
{
	size_t room = f->room ? f->room : 1024;
	char *text;

	while (room < wanted) {
		room *= 2;
	}
	text = room > f->room ? realloc(f->text, room) : f->text;
	if (!text) {
		return false;
	}
	f->text = text;
	f->room = room;
	return true;
}

/* As Supervisor: when it gets too long, as much is dropped from the front as comes. */
static void captured(void *data, const char *text, size_t n)
{
	struct stream_filter *f = ((struct stream *)data)->filter;

	if (f->len + n > f->max) {
		size_t gone = n < f->len ? n : f->len;

		f->len -= gone;
		memmove(f->text, f->text + gone, f->len);
	}
	if (n > f->max) {
		text += n - f->max;
		n = f->max;
	}
	if (make_room(f, f->len + n)) {
		memcpy(f->text + f->len, text, n);
		f->len += n;
	}
}

static void capture_ended(void *data)
{
	struct stream *s = data;
	struct stream_filter *f = s->filter;

	stream_event(s, LOG_EVENT_COMMUNICATION, f->text ? f->text : "", f->len);
	free(f->text);
	f->text = NULL;
	f->len = f->room = 0;
}

/* ---- the filter of a stream */

int stream_filter_set(struct stream *s, unsigned filters, size_t capture_max)
{
	if (filters && !s->filter) {
		s->filter = calloc(1, sizeof(*s->filter));
		if (!s->filter) {
			return -ENOMEM;
		}
		s->filter->state = s->memory ? s->memory->filter : 0;
	}
	if (s->filter) {
		s->filter->filters = filters;
		s->filter->max = capture_max;
	}
	return 0;
}

void stream_filter_done(struct stream *s)
{
	if (s->filter) {
		free(s->filter->text);
		free(s->filter);
		s->filter = NULL;
	}
}

size_t stream_filter_fit(const struct stream *s)
{
	return s->filter ? filter_fit(s->filter->filters, FILTER_BUFFER) : SIZE_MAX;
}

int stream_filter_pass(struct stream *s, const char **data, size_t *n)
{
	static const struct filter_capture ops = {.text = captured, .end = capture_ended};
	static char *out; /* one at a time is in use; made when a stream first has a filter */
	struct stream_filter *f = s->filter;

	if (!f || !f->filters) {
		return 0;
	}
	if (!out) {
		out = malloc(FILTER_BUFFER);
	}
	if (!out) {
		return -ENOMEM;
	}
	*n = filter_run(f->filters, &f->state, *data, *n, out, &ops, s);
	*data = out;
	if (s->memory) {
		/* Before the bytes are written: until the note is idle its own state counts. */
		s->memory->filter = f->state;
	}
	return 0;
}

size_t stream_filter_end(struct stream *s, char *out)
{
	struct stream_filter *f = s->filter;
	size_t n = f ? filter_end(f->filters, &f->state, out) : 0;

	if (f && s->memory) {
		s->memory->filter = f->state;
	}
	return n;
}
