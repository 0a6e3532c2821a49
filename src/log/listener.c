#include "listener.h"

#include "capture.h"
#include "lines.h"
#include "logger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

enum {
	SYSLOG_LINE_MAX = 8 * 1024,
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

void listeners_tell(struct stream *s, const char *data, size_t n)
{
	if (s->syslog && n) {
		syslog_pass(s, data, n);
	}
	if (s->events && n) {
		stream_event(s, LOG_EVENT_LOG, data, n);
	}
}
