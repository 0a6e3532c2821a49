#include "loss.h"

#include <inttypes.h>
#include <syslog.h>

void loss_arm(struct logger *lg)
{
	if (lg->streams.timer.at == USEC_NEVER) {
		loop_timer_set(lg->loop, &lg->streams.timer,
			       usec_add(usec_monotonic(), SECONDS(1)));
	}
}

void loss_begins(struct stream *s, int error)
{
	struct log_file *f = s->file;

	s->lost_error = error;
	if (f->retry_at == 0) {
		logger_report(s->lg, LOG_ERR, "%s: cannot write %s: %s; output is lost", s->name,
			      f->path, file_error_text(error));
	}
	f->retry_at = usec_add(usec_monotonic(), FILE_PAUSE_US);
}

void loss_ends(struct stream *s)
{
	struct log_file *f = s->file;

	if (f->retry_at == 0) {
		return;
	}
	logger_report(s->lg, LOG_NOTICE,
		      "%s: %s is written again; lost: %" PRIu64 " lines, %" PRIu64 " bytes",
		      s->name, f->path, f->lost_lines, f->lost_bytes);
	f->retry_at = 0;
	f->lost_lines = f->lost_bytes = 0;
	loss_send(s);
}

void loss_add(struct stream *s, const struct chunk_loss *loss)
{
	s->lost_lines += loss->lines;
	s->lost_bytes += loss->bytes;
	s->lost_error = loss->error;
	s->lost_new = true;
	if (s->file) {
		s->file->lost_lines += loss->lines;
		s->file->lost_bytes += loss->bytes;
	}
	if (s->lg->streams.timer.at == USEC_NEVER) {
		loss_send(s);
		loss_arm(s->lg);
	}
}

void loss_send(struct stream *s)
{
	struct message m;

	if (!s->lost_new) {
		return;
	}
	message_init(&m, MSG_LOG_LOST, 0);
	message_put_u64(&m, TAG_STREAM, s->id);
	message_put_u64(&m, TAG_LOST_LINES, s->lost_lines);
	message_put_u64(&m, TAG_LOST_BYTES, s->lost_bytes);
	message_put_i64(&m, TAG_CODE, s->lost_error);
	message_put_text(&m, TAG_TEXT, file_error_text(s->lost_error));
	/* Totals: one that could not be sent is made good by the next, or by LOG_CLOSED. */
	s->lost_new = channel_send(&s->lg->channel, &m) < 0;
}
