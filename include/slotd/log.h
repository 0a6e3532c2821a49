#pragma once

/**
 * Logging. A process sets one sink; a line carries a priority and fields (service, slot, worker,
 * pid), which the journal gets as fields, and a file or terminal as text. Only the folder of a
 * process logs; core and common return plans and diags.
 */

#include <slotd/diag.h>
#include <slotd/usec.h>

#include <stdbool.h>
#include <syslog.h>

struct log_field {
	const char *key; /* upper case, as the journal wants it: SLOTD_SERVICE */
	const char *value;
};

/** Gets each line. It must neither block nor log. */
typedef void log_sink_fn(void *data, int priority, const char *text, const struct log_field *fields,
			 unsigned n_fields);

/** Sets the sink. The default one writes the text to stderr, without the priority. */
void log_set_sink(log_sink_fn *sink, void *data);
/** Lines that are less urgent than priority (numbered as in syslog) are dropped. Default:
 * LOG_INFO. */
void log_set_level(int priority);
/** Returns the priority that log_set_level has set. */
int log_level(void);

/** Logs a line, given without a newline at its end; a very long one is cut. */
void log_line(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Like log_line, with fields. Borrows them. */
void log_fields(int priority, const struct log_field *fields, unsigned n_fields, const char *fmt,
		...) __attribute__((format(printf, 4, 5)));
/** Logs the "FILE:LINE: text" of diag; for the caller that handles the error. Returns code. */
int log_diag(int priority, int code, const struct diag *diag);

#define LOG_FIELD_SERVICE "SLOTD_SERVICE"
#define LOG_FIELD_SLOT	  "SLOTD_SLOT"
#define LOG_FIELD_WORKER  "SLOTD_WORKER"
#define LOG_FIELD_PID	  "SLOTD_PID"

/** State of a condition that repeats (EMFILE, a full disk). To be zeroed at first. */
struct log_once {
	usec_t last; /* 0: never */
	unsigned suppressed;
};

/**
 * Should a line about the condition be written now? The first is, then at most one a minute; the
 * others are counted.
 *
 * @now             monotonic.
 * @ret_suppressed  if true is returned, the lines that were left out before. May be NULL.
 */
bool log_once(struct log_once *once, usec_t now, unsigned *ret_suppressed);
