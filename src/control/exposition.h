#pragma once

/**
 * Prometheus' text format, version 0.0.4: families of samples.
 *
 *	exposition_family(out, "slotd_up", "gauge", "Is slotd running?");
 *	exposition_begin(out, "slotd_up");
 *	exposition_label(out, "host", "a\"b");
 *	exposition_end(out, "1");
 *
 * A family is begun once, and all of its samples follow. Label values are escaped; bytes that are
 * no UTF-8 become U+FFFD. A label with an empty value is left out, which means the same. Failures
 * stick in the strbuf.
 */

#include <slotd/strbuf.h>
#include <slotd/usec.h>

#include <stdint.h>

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** The lines HELP and TYPE. @help  without a line feed or a backslash. */
void exposition_family(struct strbuf *out, const char *name, const char *type, const char *help);

/** Begins a sample; then come its labels, then its end. */
void exposition_begin(struct strbuf *out, const char *name);
/** value NULL or "": no such label. */
void exposition_label(struct strbuf *out, const char *name, const char *value);
void exposition_end(struct strbuf *out, int64_t value);
/** The same for a point in time: seconds, with milliseconds. */
void exposition_end_time(struct strbuf *out, usec_t wall);
/** The same for a share of a whole, of which it has four decimals. */
void exposition_end_ratio(struct strbuf *out, int64_t part, int64_t whole);
