#include "requests.h"

#include "reopen.h"
#include "stream.h"

#include <slotd/cleanup.h>
#include <slotd/log.h>

#include <string.h>
#include <syslog.h>

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
		reopen_if_gone(lg, f);
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
