#pragma once

/**
 * What a worker writes is not always what is logged: strip_ansi, and capture mode, in which the
 * text between two tokens becomes an event. What the commands of a deploy print is indented. Pure;
 * the state between two chunks fits into 32 bits, so that a successor can go on with it.
 *
 * Unlike Supervisor, a sequence or token may lie across chunks, and only what may be the beginning
 * of one is held back.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_filter {
	FILTER_ANSI = 1,
	FILTER_CAPTURE = 2,
	FILTER_INDENT = 4, /* slotd/indent.h; alone */
};

enum {
	FILTER_HELD_MAX = 32, /* held back from earlier chunks at most */
};

/** Room for what n bytes may become. */
size_t filter_room(unsigned filters, size_t n);
/** How much may be taken at a time, so that what it becomes fits into room bytes. */
size_t filter_fit(unsigned filters, size_t room);

/** Who wants captured text. */
struct filter_capture {
	/** Some more of it. */
	void (*text)(void *data, const char *text, size_t n);
	/** The end token came. */
	void (*end)(void *data);
};

/**
 * Filters n bytes.
 *
 * @filters  bits of enum log_filter.
 * @state    0 at the stream's beginning.
 * @out      room for filter_room(filters, n); must not overlap in.
 * @capture  may be NULL.
 * Returns: bytes in out.
 */
size_t filter_run(unsigned filters, uint32_t *state, const char *in, size_t n, char *out,
		  const struct filter_capture *capture, void *data);

/** The stream has ended: what was held back. At most FILTER_HELD_MAX bytes into out. */
size_t filter_end(unsigned filters, uint32_t *state, char *out);
