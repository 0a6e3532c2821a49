#pragma once

/**
 * The logging idiom. A process sets one sink; lines carry a priority and fields (service, slot,
 * worker, pid), which the journal gets as fields and a file or terminal as text. Only a process's
 * own folder logs; core and common return plans and diags.
 */

#include <slotd/diag.h>
#include <slotd/usec.h>

#include <stdbool.h>
#include <syslog.h>

struct log_field {
	const char *key; /* upper case, as the journal wants it: SLOTD_SERVICE */
	const char *value;
};

/** Where lines go. Must not block and must not log. */
typedef void log_sink_fn(void *data, int priority, const char *text, const struct log_field *fields,
			 unsigned n_fields);

/** Default sink: "priority-less text\n" on stderr. */
void log_set_sink(log_sink_fn *sink, void *data);
/** Lines less urgent than priority (syslog numbering) are dropped. Default LOG_INFO. */
void log_set_level(int priority);
/** As log_set_level set it. */
int log_level(void);

/** One line, without a newline at its end; a very long one is cut. */
void log_line(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** As log_line, with fields. Borrows them. */
void log_fields(int priority, const struct log_field *fields, unsigned n_fields, const char *fmt,
		...) __attribute__((format(printf, 4, 5)));
/** Logs the diag's "FILE:LINE: text" once, at the top; returns code. */
int log_diag(int priority, int code, const struct diag *diag);

#define LOG_FIELD_SERVICE "SLOTD_SERVICE"
#define LOG_FIELD_SLOT	  "SLOTD_SLOT"
#define LOG_FIELD_WORKER  "SLOTD_WORKER"
#define LOG_FIELD_PID	  "SLOTD_PID"

/** What is known of a condition that repeats (EMFILE, a full disk). Zeroed at the start. */
struct log_once {
	usec_t last; /* 0: never */
	unsigned suppressed;
};

/**
 * Logs the first, counts the rest.
 *
 * @now  monotonic.
 * Returns: true when the line should be written now (first time, then at most once a minute), with
 *          *ret_suppressed lines left out in between; it may be NULL.
 */
bool log_once(struct log_once *once, usec_t now, unsigned *ret_suppressed);
