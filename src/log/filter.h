#pragma once

/**
 * Changes what a worker writes before it is logged: strip_ansi removes escape sequences, capture
 * mode takes out the text between two tokens, which becomes an event, and what the commands of a
 * deploy print is indented. Pure. The state between two chunks fits into 32 bits, so that the next
 * slotd-log can go on with it.
 *
 * Unlike with Supervisor, a sequence or a token may be spread over several chunks; only bytes that
 * may be its beginning are held back.
 */

#include <stddef.h>
#include <stdint.h>

enum log_filter {
	FILTER_ANSI = 1,
	FILTER_CAPTURE = 2,
	FILTER_INDENT = 4, /* slotd/indent.h; not together with others */
};

enum {
	FILTER_HELD_MAX = 32, /* bytes of earlier chunks that are held back at most */
};

/** Returns how many bytes n bytes may become. */
size_t filter_room(unsigned filters, size_t n);
/** Returns how many bytes may be filtered at a time, so that the result fits into room bytes. */
size_t filter_fit(unsigned filters, size_t room);

/** What is called with captured text. */
struct filter_capture {
	/** More text has been captured. */
	void (*text)(void *data, const char *text, size_t n);
	/** The end token has come: the text is complete. */
	void (*end)(void *data);
};

/**
 * Filters n bytes.
 *
 * @filters  bits of enum log_filter.
 * @state    in and out; 0 at the beginning of a stream.
 * @out      room for filter_room(filters, n); must not overlap in.
 * @capture  NULL: captured text is dropped. Called with data.
 * Returns: how many bytes are in out.
 */
size_t filter_run(unsigned filters, uint32_t *state, const char *in, size_t n, char *out,
		  const struct filter_capture *capture, void *data);

/** Ends a stream: writes what was held back to out, which has room for FILTER_HELD_MAX bytes.
 * Returns their number. */
size_t filter_end(unsigned filters, uint32_t *state, char *out);
