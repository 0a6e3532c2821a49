#include "link/ownlog.h"
#include "link/helpers.h"
#include "link/targets.h"

#include <slotd/cleanup.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * slotd never writes its log itself: a line goes to slotd-log, which has a disk to wait for. What
 * slotd-log cannot take is kept up to a bound, then dropped and counted; the count travels with
 * the next line.
 */

enum {
	HELD_MAX = 1000,
	FIELDS_MAX = 4096,
};

struct held_line {
	int priority;
	usec_t when;
	char *text, *fields;
};

struct ownlog {
	struct supervisor *sup;
	VEC(struct held_line) held;
	unsigned dropped;
	bool sending; /* a failure to send must not be logged by sending */
};

/* Supervisor's levels, by syslog priority. */
static const char *const level_names[] = {"CRIT", "CRIT", "CRIT", "ERRO",
					  "WARN", "INFO", "INFO", "DEBG"};

static void to_stderr(void *data, int priority, const char *text, const struct log_field *fields,
		      unsigned n_fields)
{
	usec_t now = usec_wall();
	time_t seconds = (time_t)(now / 1000000);
	struct tm tm;
	char stamp[32];

	(void)data, (void)fields, (void)n_fields;
	if (!localtime_r(&seconds, &tm) ||
	    !strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &tm)) {
		stamp[0] = '\0';
	}
	(void)fprintf(stderr, "%s,%03u %s %s\n", stamp, (unsigned)(now / 1000 % 1000),
		      level_names[priority & LOG_PRIMASK], text);
}

static int send_line(struct ownlog *o, int priority, usec_t when, const char *text,
		     const char *fields)
{
	struct helper *log = helper_of(o->sup, HELPER_LOG);
	struct message m;
	int r;

	if (!log || !channel_open(&log->channel)) {
		return -ENOTCONN;
	}
	message_init(&m, MSG_LOG_LINE, 0);
	message_put_u64(&m, TAG_LEVEL, (uint64_t)priority);
	message_put_text(&m, TAG_TEXT, text);
	message_put_u64(&m, TAG_WHEN, when);
	message_put_text(&m, TAG_FIELDS, fields && fields[0] ? fields : NULL);
	if (o->dropped) {
		message_put_u64(&m, TAG_COUNT, o->dropped);
	}
	r = channel_send(&log->channel, &m);
	if (r == 0) {
		o->dropped = 0;
	}
	if (r == 0 && priority <= LOG_CRIT) {
		channel_push(&log->channel); /* perhaps our last words */
	}
	return r;
}

static void hold(struct ownlog *o, int priority, usec_t when, const char *text, const char *fields)
{
	struct held_line line = {.priority = priority, .when = when};

	if (o->held.len < HELD_MAX) {
		line.text = strdup(text);
		line.fields = strdup(fields);
	}
	if (!line.text || !line.fields || vec_push(&o->held, line) < 0) {
		free(line.text);
		free(line.fields);
		o->dropped++;
	}
}

/* Without memory of its own: what is said of a lack of memory has its fields, too. One for which
 * there is no room is left out whole. */
static void join(const struct log_field *fields, unsigned n_fields, char buf[FIELDS_MAX])
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < n_fields; i++) {
		int n = snprintf(buf + used, FIELDS_MAX - used, "%s=%s\n", fields[i].key,
				 fields[i].value);

		if (n < 0 || (size_t)n >= FIELDS_MAX - used) {
			buf[used] = '\0';
			break;
		}
		used += (size_t)n;
	}
}

static void sink(void *data, int priority, const char *text, const struct log_field *fields,
		 unsigned n_fields)
{
	struct ownlog *o = data;
	usec_t now = usec_wall();
	char joined[FIELDS_MAX];

	if (o->sup->quitting) {
		to_stderr(NULL, priority, text, NULL, 0);
		return;
	}
	join(fields, n_fields, joined);
	if (o->sending || send_line(o, priority, now, text, joined) < 0) {
		hold(o, priority, now, text, joined);
	}
}

/* -EBADF: slotd-log opens the path, or says that it cannot. */
static int open_target(const struct supervisord_config *c)
{
	struct diag diag = {0};
	int fd;

	if (c->log.kind != LOG_KIND_FILE || !c->log.target.found) {
		return -EBADF;
	}
	fd = target_open(&c->log.target, &diag);
	if (fd < 0) {
		log_line(LOG_ERR, "logfile: %s cannot be written: %s", c->log.path, diag.text);
	}
	return fd < 0 ? -EBADF : fd;
}

static void send_config(struct ownlog *o)
{
	const struct supervisor *sup = o->sup;
	const struct supervisord_config *c = &sup->config->supervisord;
	struct helper *log = helper_of(o->sup, HELPER_LOG);
	bool journal = c->journal && getenv("JOURNAL_STREAM"); /* set by systemd alone */
	bool foreground =
		sup->options.foreground; /* else whoever started it waits for stdout's end */
	bool echo = foreground && !c->silent && !journal;
	bool file = c->log.kind == LOG_KIND_FILE;
	bool standard = file && target_is_standard(&c->log.target);
	auto_close int null = -EBADF, target = -EBADF;
	struct message m;

	if (!log || !channel_open(&log->channel)) {
		return;
	}
	message_init(&m, MSG_LOG_OWN, 0);
	message_put_u64(&m, TAG_LEVEL, (uint64_t)log_level());
	/* Each line once: what goes to stdout in any case needs no echo there. A daemon's own are
	 * /dev/null. */
	if (file && (!standard ||
		     (foreground && (c->log.target.fd != STDOUT_FILENO || (!echo && !journal))))) {
		message_put_text(&m, TAG_PATH, c->log.path);
	}
	message_put_u64(&m, TAG_MAXBYTES, c->log.maxbytes);
	message_put_u64(&m, TAG_BACKUPS, c->log.backups);
	message_put_u64(&m, TAG_SYSLOG, c->log.syslog);
	message_put_u64(&m, TAG_JOURNAL, journal);
	message_put_text(&m, TAG_IDENTIFIER, c->identifier);
	message_put_u64(&m, TAG_ECHO, echo);
	null = foreground ? -EBADF : open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (foreground || null >= 0) {
		message_put_fd(&m, foreground ? STDOUT_FILENO : null);
		target = open_target(c);
	}
	if (target >= 0) {
		message_put_fd(&m, target);
	}
	if (!foreground && null < 0) {
		log_line(LOG_WARNING, "slotd-log writes to its own stdout: no /dev/null: %s",
			 strerror(errno));
	}
	(void)helper_send(log, &m);
}

void ownlog_print(struct supervisor *sup, const char *data, size_t len)
{
	struct message m;

	message_init(&m, MSG_LOG_PRINT, 0);
	message_put_bytes(&m, TAG_BYTES, data, len < MESSAGE_BYTES_MAX ? len : MESSAGE_BYTES_MAX);
	(void)helper_send(helper_of(sup, HELPER_LOG), &m);
	if (len > MESSAGE_BYTES_MAX) {
		ownlog_print(sup, data + MESSAGE_BYTES_MAX, len - MESSAGE_BYTES_MAX);
	}
}

void ownlog_set_level(struct supervisor *sup, int priority)
{
	log_set_level(priority);
	send_config(sup->ownlog);
}

void ownlog_configure(struct supervisor *sup)
{
	ownlog_set_level(sup, sup->config->supervisord.log_priority);
}

void ownlog_refill(struct supervisor *sup)
{
	struct ownlog *o = sup->ownlog;
	size_t sent = 0;

	o->sending = true;
	send_config(o);
	while (sent < o->held.len) {
		struct held_line *l = &o->held.at[sent];

		if (send_line(o, l->priority, l->when, l->text, l->fields) < 0) {
			break;
		}
		free(l->text);
		free(l->fields);
		sent++;
	}
	o->sending = false;
	if (sent) {
		memmove(o->held.at, &o->held.at[sent], (o->held.len - sent) * sizeof(*o->held.at));
		o->held.len -= sent;
	}
}

int ownlog_init(struct supervisor *sup)
{
	struct ownlog *o = calloc(1, sizeof(*o));

	if (!o) {
		return -ENOMEM;
	}
	o->sup = sup;
	sup->ownlog = o;
	log_set_level(sup->config->supervisord.log_priority);
	log_set_sink(sink, o);
	return 0;
}

/* What slotd-log never took is not lost: whoever looks at stderr finds it. */
void ownlog_done(struct supervisor *sup)
{
	struct ownlog *o = sup->ownlog;

	log_set_sink(to_stderr, NULL);
	if (!o) {
		return;
	}
	vec_for_each (l, &o->held) {
		to_stderr(NULL, l->priority, l->text, NULL, 0);
		free(l->text);
		free(l->fields);
	}
	vec_done(&o->held);
	free(o);
	sup->ownlog = NULL;
}
