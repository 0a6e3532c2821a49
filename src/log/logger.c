#include "logger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

void logger_report(struct logger *lg, int priority, const char *fmt, ...)
{
	char text[DIAG_TEXT_MAX];
	struct message m;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	message_init(&m, MSG_REPORT, 0);
	message_put_i64(&m, TAG_LEVEL, priority);
	message_put_text(&m, TAG_TEXT, text);
	if (channel_send(&lg->channel, &m) < 0) {
		lg->unheard(lg, priority, text);
	}
}

void logger_datagram_news(struct logger *lg, struct datagram *d)
{
	uint64_t dropped = datagram_news(d, usec_monotonic());

	if (dropped) {
		logger_report(lg, LOG_WARNING, "%s does not take lines; dropped: %" PRIu64, d->path,
			      dropped);
	}
}

void logger_done(struct logger *lg, uint32_t id, int code, const char *text)
{
	struct message m;

	if (!id) {
		return;
	}
	message_init(&m, MSG_DONE, id);
	message_put_i64(&m, TAG_CODE, code);
	message_put_text(&m, TAG_TEXT, text);
	(void)channel_send(&lg->channel, &m); /* who is gone needs no answer */
}
