#include "requests.h"

#include "logger.h"

#include <slotd/cleanup.h>
#include <slotd/log.h>

#include <string.h>
#include <syslog.h>

enum {
	REOPEN_WAIT_US = 500 * 1000, /* for the end of a line that is begun */
};

/* ---- reopen */

static void reopen_file(struct logger *lg, struct log_file *f)
{
	int r = file_open(f);

	f->reopen = false;
	if (r < 0) {
		logger_report(lg, LOG_ERR, "cannot reopen %s: %s; the old file goes on", f->path,
			      strerror(-r));
	} else if (f->retry_at) {
		f->retry_at = 1; /* no reason to wait any more */
	}
}

static void wait_for_line_ends(struct logger *lg)
{
	if (lg->reopen_timer.at == USEC_NEVER) {
		loop_timer_set(lg->loop, &lg->reopen_timer,
			       usec_add(usec_monotonic(), REOPEN_WAIT_US));
	}
}

/* Without a signal: nobody asked, so nobody is answered. */
void logger_look_after(struct logger *lg, struct log_file *f)
{
	int r;

	if (!file_gone(f, usec_monotonic())) {
		return;
	}
	if (!file_at_line_end(f)) {
		f->reopen = true; /* the line that is begun ends where it began */
		wait_for_line_ends(lg);
		logger_report(lg, LOG_NOTICE,
			      "%s was deleted or moved; it is made again after the line that is "
			      "begun",
			      f->path);
		return;
	}
	r = file_open(f);
	if (r == 0) {
		f->gone_told = false;
		logger_report(lg, LOG_NOTICE, "%s was deleted or moved; it is made again", f->path);
	} else if (!f->gone_told) {
		f->gone_told = true;
		logger_report(lg, LOG_ERR,
			      "%s was deleted or moved and cannot be made again: %s; the old file "
			      "goes on",
			      f->path, strerror(-r));
	}
}

static bool reopen_pending(const struct logger *lg)
{
	const struct log_file *f = lg->files.head;

	while (f && !f->reopen) {
		f = f->next;
	}
	return f != NULL;
}

void logger_reopened(struct logger *lg)
{
	if (reopen_pending(lg)) {
		return;
	}
	loop_timer_stop(lg->loop, &lg->reopen_timer);
	logger_done(lg, lg->reopen_id, 0, NULL);
	lg->reopen_id = 0;
}

void request_reopen(struct logger *lg, uint32_t id)
{
	/* One that still waits for line ends is answered with this one's work. */
	logger_done(lg, lg->reopen_id, 0, NULL);
	for (struct log_file *f = lg->files.head; f; f = f->next) {
		if (f->special || (f->fd < 0 && f->owner.late)) {
			continue; /* nothing changes for a terminal or pipe, or what is not made */
		}
		if (f->fd < 0 || file_at_line_end(f)) {
			reopen_file(lg, f);
		} else {
			f->reopen = true;
		}
	}
	lg->reopen_id = id;
	wait_for_line_ends(lg);
	logger_reopened(lg);
}

void request_reopen_now(struct logger *lg)
{
	for (struct log_file *f = lg->files.head; f; f = f->next) {
		if (f->reopen) {
			reopen_file(lg, f);
		}
	}
	logger_reopened(lg);
}

/* ---- clear and open */

/* The file that is meant, if it is open here; its path in any case, NULL: there is none. */
static struct log_file *meant(struct logger *lg, const struct message *m, const char **ret_path)
{
	struct stream *s = stream_find(lg, (uint32_t)message_u64(m, TAG_STREAM));
	struct log_file *f;

	if (s) {
		stream_drain(s);
		f = s->file;
	} else if (message_has(m, TAG_PATH)) { /* also of a stream that has just ended */
		f = files_find(&lg->files, message_str(m, TAG_PATH));
	} else {
		f = message_has(m, TAG_STREAM) ? NULL : lg->own.file;
	}
	*ret_path = f ? f->path : s ? NULL : message_text(m, TAG_PATH);
	return f;
}

void request_clear(struct logger *lg, const struct message *m)
{
	const char *path;
	struct log_file *f = meant(lg, m, &path);
	int r = f ? file_clear(f) : path ? file_clear_path(path) : -ENOENT;

	logger_done(lg, m->id, r, r < 0 ? file_error_text(r) : NULL);
}

void request_open(struct logger *lg, const struct message *m)
{
	struct log_file *f;
	const char *path;
	struct message answer;
	mode_t mode = message_has(m, TAG_MODE) ? (mode_t)message_u64(m, TAG_MODE) : (mode_t)-1;
	auto_close int fd = -EBADF;
	int r;

	f = meant(lg, m, &path);
	if (f) {
		logger_look_after(lg, f);
	}
	fd = path ? file_open_read(path, mode) : -ENOENT;
	message_init(&answer, MSG_LOG_OPENED, m->id);
	message_put_i64(&answer, TAG_CODE, fd < 0 ? fd : 0);
	message_put_text(&answer, TAG_TEXT, fd < 0 ? file_error_text(fd) : NULL);
	message_put_text(&answer, TAG_PATH, path);
	if (fd >= 0) {
		message_put_fd(&answer, fd);
	}
	r = channel_send(&lg->channel, &answer);
	if (r < 0 && r != -ENOTCONN) {
		log_line(LOG_ERR, "slotd-log: cannot answer: %s", strerror(-r));
	}
}
