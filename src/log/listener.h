#pragma once

/**
 * Passes a stream's output on to those who want it besides its file: to syslog, one message a line,
 * and to slotd for events. None of them can delay the file.
 */

#include "logger.h"

/** Passes on n bytes, as they are logged. */
void listeners_tell(struct stream *s, const char *data, size_t n);
/** Passes on an incomplete last line, because the stream or slotd-log ends. */
void listeners_flush(struct stream *s);
