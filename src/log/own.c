#include "own.h"

#include "logger.h"
#include "reopen.h"
#include "special.h"

#include <slotd/cleanup.h>

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

enum {
	LINE_MAX_BYTES = MESSAGE_MAX + 128,
};

/* ---- one line to each target */

static void file_failed(struct logger *lg, int error)
{
	struct log_file *f = lg->own.file;
	bool first = f->retry_at == 0;

	f->retry_at = usec_add(usec_monotonic(), FILE_PAUSE_US);
	f->lost_lines++;
	if (first) { /* to whoever still listens: slotd sends it back to the other targets */
		logger_report(lg, LOG_ERR, "cannot write %s: %s", f->path, file_error_text(error));
	}
}

static void file_works(struct logger *lg)
{
	struct log_file *f = lg->own.file;
	uint64_t lost = f->lost_lines;

	if (f->retry_at) {
		f->retry_at = 0;
		f->lost_lines = 0;
		logger_report(lg, LOG_NOTICE, "%s is written again; %" PRIu64 " lines were lost",
			      f->path, lost);
	}
}

static void rotate_if_full(struct log_file *f, uint64_t size)
{
	if (f->rotation.maxbytes && !f->given && size >= f->rotation.maxbytes &&
	    usec_monotonic() >= f->shift_after && file_rotate(f) < 0) {
		f->shift_after = usec_add(usec_monotonic(), SECONDS(60));
	}
}

/* Behind the rest of a worker's line, if one waits there: ours must not get into it. */
static int to_special(struct log_file *f, int fd, const char *line, size_t n)
{
	if (f && !special_ready(f->special) && special_pending(f->special)) {
		return special_add(f->special, line, n);
	}
	return special_try(fd, line, n);
}

static int append(struct log_file *f, const char *line, size_t n)
{
	uint64_t before, after;
	size_t done;
	int r;

	if (f->special) {
		return to_special(f, f->fd, line, n);
	}
	r = file_size(f, &before);
	if (r == 0) {
		r = file_append(f, line, n, &done);
	}
	if (r < 0) {
		if (r != -EBADF && file_size(f, &after) == 0 && after > before) {
			(void)file_cut_torn(f, after);
		}
		return r;
	}
	rotate_if_full(f, before + n);
	return 0;
}

static void to_file(struct logger *lg, const char *line, size_t n)
{
	struct log_file *f = lg->own.file;
	int r = 0;

	if (usec_monotonic() < f->retry_at) {
		f->lost_lines++;
		return;
	}
	if (f->fd < 0) {
		r = file_open(f);
	}
	if (r == 0) {
		r = append(f, line, n);
	}
	if (r < 0) {
		file_failed(lg, r);
	} else {
		file_works(lg);
	}
}

static const char *level_name(int priority)
{
	static const char *const names[] = {
		[LOG_EMERG] = "CRIT", [LOG_ALERT] = "CRIT",   [LOG_CRIT] = "CRIT",
		[LOG_ERR] = "ERRO",   [LOG_WARNING] = "WARN", [LOG_NOTICE] = "INFO",
		[LOG_INFO] = "INFO",  [LOG_DEBUG] = "DEBG",
	};

	return priority >= 0 && priority <= LOG_DEBUG ? names[priority] : "DEBG";
}

/*
 * "YYYY-MM-DD HH:MM:SS,mmm LEVEL " in local time.
 *
 * Returns: bytes in buf, which must have room for 64.
 */
static size_t head_of(int priority, usec_t when, char *buf, size_t size)
{
	static time_t of = -1;
	static char second[32]; /* many lines have the same, and the zone's file is looked at */
	time_t seconds = (time_t)(when / 1000000);
	struct tm tm;

	if (seconds != of) {
		(void)strftime(second, sizeof(second), "%F %T", localtime_r(&seconds, &tm));
		of = seconds;
	}
	return (size_t)snprintf(buf, size, "%s,%03u %s ", second, (unsigned)(when / 1000 % 1000),
				level_name(priority));
}

static void to_echo(struct logger *lg, const char *line, size_t n)
{
	struct own *o = &lg->own;
	struct log_file *f = files_find_special(&lg->files, o->echo_dev, o->echo_ino);
	char gap[64];

	if (o->echo_dropped) {
		int len = snprintf(gap, sizeof(gap), "(%" PRIu64 " lines left out here)\n",
				   o->echo_dropped);

		if (to_special(f, o->echo, gap, (size_t)len) == 0) {
			o->echo_dropped = 0;
		}
	}
	if (o->echo_dropped || to_special(f, o->echo, line, n) < 0) {
		o->echo_dropped++;
	}
}

static void to_all(struct logger *lg, const struct own_line *l)
{
	static char line[LINE_MAX_BYTES];
	struct own *o = &lg->own;
	size_t head = head_of(l->priority, l->when, line, sizeof(line));
	size_t n = head + (size_t)snprintf(line + head, sizeof(line) - head, "%s\n", l->text);

	n = n < sizeof(line) ? n : sizeof(line) - 1;
	if (o->file) {
		to_file(lg, line, n);
	}
	if (o->use_echo) {
		to_echo(lg, line, n);
	}
	if (o->use_syslog) { /* with the time and level of the line, as Supervisor */
		datagram_syslog(&o->syslog, l->priority, o->identifier, line, n - 1);
		logger_datagram_news(lg, &o->syslog);
	}
	if (o->use_journal) {
		datagram_journal(&o->journal, l->priority, "slotd", l->text, l->fields);
		logger_datagram_news(lg, &o->journal);
	}
}

/* ---- repeats */

static void tell_hidden(struct logger *lg, int priority, unsigned hidden)
{
	char text[64];
	const struct own_line l = {priority, usec_wall(), text, ""};

	if (hidden) {
		(void)snprintf(text, sizeof(text), "last message repeated %u times", hidden);
		to_all(lg, &l);
	}
}

static void on_repeat_timer(struct loop_timer *t)
{
	struct logger *lg = container_of(t, struct logger, own.repeat_timer);
	int priority = lg->own.repeat.priority;

	tell_hidden(lg, priority, repeat_flush(&lg->own.repeat));
}

void own_write(struct logger *lg, const struct own_line *line)
{
	struct own *o = &lg->own;
	int before = o->repeat.priority;
	unsigned hidden;
	bool pass;

	if (line->priority > o->level) {
		return;
	}
	if (o->file) {
		reopen_if_gone(lg, o->file); /* what it says may come back here */
	}
	pass = repeat_pass(&o->repeat, line->priority, line->text, usec_monotonic(), &hidden);
	tell_hidden(lg, before, hidden);
	if (pass) {
		to_all(lg, line);
	}
	loop_timer_set(lg->loop, &o->repeat_timer, repeat_due(&o->repeat));
}

/* ---- messages */

void own_received(struct logger *lg, const struct message *m)
{
	uint64_t left_out = message_u64(m, TAG_COUNT);
	char text[64];

	if (left_out) {
		const struct own_line l = {LOG_WARNING, usec_wall(), text, ""};

		(void)snprintf(text, sizeof(text), "%" PRIu64 " lines of this log were left out",
			       left_out);
		own_write(lg, &l);
	}
	own_write(lg, &(struct own_line){
			      .priority = (int)message_i64(m, TAG_LEVEL),
			      .when = message_u64(m, TAG_WHEN),
			      .text = message_str(m, TAG_TEXT),
			      .fields = message_str(m, TAG_FIELDS),
		      });
}

void own_print(struct logger *lg, const struct message *m)
{
	size_t n;
	const char *data = message_bytes(m, TAG_BYTES, &n);

	to_echo(lg, data, n);
}

static void set_file(struct logger *lg, struct message *m)
{
	const struct rotation rotation = {
		.maxbytes = message_u64(m, TAG_MAXBYTES),
		.backups = (unsigned)message_u64(m, TAG_BACKUPS),
	};
	const struct file_owner owner = {
		.mode = message_has(m, TAG_MODE) ? (mode_t)message_u64(m, TAG_MODE) : (mode_t)-1,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
	};
	const char *path = message_text(m, TAG_PATH);
	struct log_file *old = lg->own.file;

	lg->own.file = NULL;
	if (path) {
		int r = files_get(&lg->files, path, message_take_fd(m, 1), &rotation, &owner,
				  &lg->own.file);

		if (r < 0 && lg->own.file) {
			lg->own.file->lost_lines = 0;
			file_failed(lg, r);
		} else if (r < 0) {
			logger_report(lg, LOG_ERR, "%s: %s", path, strerror(-r));
		}
	}
	files_put(&lg->files, old);
}

/* Takes fd. */
static void set_echo(struct own *o, int fd, bool use)
{
	struct stat st = {0};

	cleanup_closep(&o->echo);
	o->echo = fd;
	o->use_echo = use;
	o->echo_ino = fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0; /* 0: like no other */
	o->echo_dev = st.st_dev;
}

void own_set(struct logger *lg, struct message *m)
{
	struct own *o = &lg->own;

	set_echo(o, message_take_fd(m, 0), message_u64(m, TAG_ECHO) != 0);
	o->level = (int)message_i64(m, TAG_LEVEL);
	o->use_syslog = message_u64(m, TAG_SYSLOG) != 0;
	o->use_journal = message_u64(m, TAG_JOURNAL) != 0;
	if (message_has(m, TAG_IDENTIFIER)) {
		(void)snprintf(o->identifier, sizeof(o->identifier), "%s",
			       message_str(m, TAG_IDENTIFIER));
	}
	set_file(lg, m);
}

void own_init(struct logger *lg)
{
	struct own *o = &lg->own;

	o->echo = -EBADF;
	o->level = LOG_INFO;
	(void)snprintf(o->identifier, sizeof(o->identifier), "slotd");
	datagram_init(&o->syslog, DATAGRAM_SYSLOG);
	datagram_init(&o->journal, DATAGRAM_JOURNAL);
	loop_timer_init(&o->repeat_timer, on_repeat_timer);
}

void own_done(struct logger *lg)
{
	struct own *o = &lg->own;
	int priority = o->repeat.priority;

	tell_hidden(lg, priority, repeat_flush(&o->repeat));
	loop_timer_stop(lg->loop, &o->repeat_timer);
	files_put(&lg->files, o->file);
	o->file = NULL;
	cleanup_closep(&o->echo);
	datagram_done(&o->syslog);
	datagram_done(&o->journal);
}
