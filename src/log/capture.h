#pragma once

/** The filter of a stream, the text that it captures, and the events that a stream's output makes.
 */

#include "filter.h"

#include <slotd/lognote.h>

struct stream;

struct stream_filter {
	unsigned filters; /* bits of enum log_filter */
	uint32_t state;
	size_t max; /* bytes of captured text that are kept; the oldest go first */
	char *text;
	size_t len, room;
};

/**
 * Sets or changes the filters of a stream.
 *
 * @filters      bits of enum log_filter; 0: bytes pass as they are.
 * @capture_max  bytes of captured text that are kept.
 * Returns: 0; -ENOMEM, and then the stream has no filter.
 */
int stream_filter_set(struct stream *s, unsigned filters, size_t capture_max);
/** Frees the filter. Harmless if there is none. */
void stream_filter_done(struct stream *s);

/** Returns how many bytes may be taken from the stream's pipe at a time, so that the filtered bytes
 * fit into the buffer; SIZE_MAX without a filter. */
size_t stream_filter_fit(const struct stream *s);
/**
 * Filters what was taken from the pipe. Captured text is sent to slotd.
 *
 * @data, @n  in: the bytes; out: the filtered bytes, valid until the next call for any stream.
 * Returns: 0; -ENOMEM, and then data and n are unchanged.
 */
int stream_filter_pass(struct stream *s, const char **data, size_t *n);
/** Ends the filter: writes what it has held back to out, which has room for FILTER_HELD_MAX bytes.
 * Returns their number. */
size_t stream_filter_end(struct stream *s, char *out);

/** Sends bytes of the stream to slotd as an event. If slotd does not keep up, the event is left out
 * and counted. */
void stream_event(struct stream *s, enum log_event_kind kind, const char *data, size_t n);
