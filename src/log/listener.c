#include "listener.h"

#include "capture.h"
#include "lines.h"

#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <slotd/utf8.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

enum {
	SYSLOG_LINE_MAX = 8 * 1024,
	DEBUG_PIECE = 15 * 1024, /* fits a line of slotd's log, all bytes written as \\x00 */
};

static void syslog_line(struct stream *s, const char *line, size_t n)
{
	char text[SYSLOG_LINE_MAX + 256];
	int head = snprintf(text, sizeof(text), "%.200s ", s->name);

	memcpy(text + head, line, n);
	datagram_syslog(&s->lg->streams.syslog, LOG_INFO, s->identifier ? s->identifier : "slotd",
			text, (size_t)head + n);
	logger_datagram_news(s->lg, &s->lg->streams.syslog);
}

void listeners_flush(struct stream *s)
{
	if (s->line_len) {
		syslog_line(s, s->line, s->line_len);
		s->line_len = 0;
	}
}

/* Keeps a begun line; one that gets too long is sent in pieces. Out of memory: sent as it is. */
static void syslog_begin(struct stream *s, const char *text, size_t n)
{
	if (!s->line) {
		s->line = malloc(SYSLOG_LINE_MAX);
	}
	while (n) {
		size_t room = SYSLOG_LINE_MAX - s->line_len, piece = n < room ? n : room;

		if (!s->line) {
			syslog_line(s, text, piece);
		} else {
			memcpy(s->line + s->line_len, text, piece);
			s->line_len += piece;
			if (s->line_len == SYSLOG_LINE_MAX) {
				listeners_flush(s);
			}
		}
		text += piece;
		n -= piece;
	}
}

static void syslog_pass(struct stream *s, const char *text, size_t n)
{
	size_t end;

	while ((end = lines_first_end(text, n))) {
		if (s->line_len == 0 && end <= SYSLOG_LINE_MAX) {
			syslog_line(s, text, end - 1);
		} else {
			syslog_begin(s, text, end - 1);
			listeners_flush(s);
		}
		text += end;
		n -= end;
	}
	if (n) {
		syslog_begin(s, text, n);
	} else {
		free(s->line); /* most streams end their lines: nothing to hold meanwhile */
		s->line = NULL;
	}
}

static void debug_piece(struct stream *s, const char *data, size_t n)
{
	CLEANUP(strbuf_done) struct strbuf sb = {0};
	struct own_line line = {.priority = LOG_DEBUG, .when = usec_wall(), .fields = ""};

	(void)strbuf_addf(&sb, "'%s' %s output:\n", s->name, s->channel ? "stderr" : "stdout");
	(void)utf8_add(&sb, data, n);
	if (!sb.error) {
		line.text = strbuf_str(&sb);
		own_write(s->lg, &line);
	}
}

/* At loglevel=debug slotd's own log has the workers' output, too, as Supervisor's has. A job has no
 * pid here, and a log that says all. */
static void debug_pass(struct stream *s, const char *data, size_t n)
{
	while (n) {
		size_t piece = n;

		if (n > DEBUG_PIECE) {
			piece = lines_last_end(data, DEBUG_PIECE);
			piece = piece ? piece
				      : DEBUG_PIECE -
						utf8_tail((const unsigned char *)data, DEBUG_PIECE);
		}
		debug_piece(s, data, piece);
		data += piece;
		n -= piece;
	}
}

void listeners_tell(struct stream *s, const char *data, size_t n)
{
	if (s->syslog && n) {
		syslog_pass(s, data, n);
	}
	if (s->events && n) {
		stream_event(s, LOG_EVENT_LOG, data, n);
	}
	if (s->lg->own.level >= LOG_DEBUG && s->pid && n) {
		debug_pass(s, data, n);
	}
}
