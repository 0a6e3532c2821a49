#pragma once

/** A stream's filter and the text it captures, and the events that come of a stream. */

#include "filter.h"

#include <slotd/lognote.h>

struct stream;

struct stream_filter {
	unsigned filters; /* bits of enum log_filter */
	uint32_t state;
	size_t max; /* of captured text */
	char *text;
	size_t len, room;
};

/** Sets or changes what a stream filters; none: filters 0. 0 or -ENOMEM. */
int stream_filter_set(struct stream *s, unsigned filters, size_t capture_max);
void stream_filter_done(struct stream *s);

/** How much may be taken of it at a time. */
size_t stream_filter_fit(const struct stream *s);
/**
 * Filters what was taken. Text that was captured goes to slotd.
 *
 * @data, @n  in and out; afterwards borrowed until the next call.
 * Returns: 0; -ENOMEM: then it is passed on as it was.
 */
int stream_filter_pass(struct stream *s, const char **data, size_t *n);
/** What was held back at the stream's end; bytes into out (FILTER_HELD_MAX). */
size_t stream_filter_end(struct stream *s, char *out);

/** Sends bytes of the stream to slotd; too many for a slow slotd are left out and counted. */
void stream_event(struct stream *s, enum log_event_kind kind, const char *data, size_t n);
