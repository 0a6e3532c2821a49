#include <slotd/log.h>
#include <slotd/usec.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	LINE_MAX_ = 4096,
};

static void to_stderr(void *data, int priority, const char *text, const struct log_field *fields,
		      unsigned n_fields)
{
	(void)data, (void)priority, (void)fields, (void)n_fields;
	(void)fprintf(stderr, "%s\n", text);
}

static log_sink_fn *the_sink = to_stderr;
static void *the_data;
static int the_level = LOG_INFO;

void log_set_sink(log_sink_fn *sink, void *data)
{
	the_sink = sink ? sink : to_stderr;
	the_data = data;
}

void log_set_level(int priority)
{
	the_level = priority;
}

int log_level(void)
{
	return the_level;
}

static void emit(int priority, const struct log_field *fields, unsigned n_fields, const char *fmt,
		 va_list ap)
{
	char line[LINE_MAX_];

	if (priority > the_level) {
		return;
	}
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	the_sink(the_data, priority, line, fields, n_fields);
}

void log_line(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(priority, NULL, 0, fmt, ap);
	va_end(ap);
}

void log_fields(int priority, const struct log_field *fields, unsigned n_fields, const char *fmt,
		...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(priority, fields, n_fields, fmt, ap);
	va_end(ap);
}

int log_diag(int priority, int code, const struct diag *diag)
{
	char line[DIAG_TEXT_MAX + DIAG_FILE_MAX + 16];

	if (diag->text[0]) {
		log_line(priority, "%s", diag_format(diag, line, sizeof(line)));
	} else {
		log_line(priority, "%s", strerror(-code));
	}
	return code;
}

bool log_once(struct log_once *once, usec_t now, unsigned *ret_suppressed)
{
	if (once->last && now - once->last < SECONDS(60)) {
		once->suppressed++;
		return false;
	}
	once->last = now ? now : 1;
	if (ret_suppressed) {
		*ret_suppressed = once->suppressed;
	}
	once->suppressed = 0;
	return true;
}
