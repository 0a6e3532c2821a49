#pragma once

/**
 * Who gets a stream's output beside its file: syslog, one message a line, and slotd for events.
 * None of them can hold up the file.
 */

#include "logger.h"

/** What is logged, as it is logged. */
void listeners_tell(struct stream *s, const char *data, size_t n);
/** The stream ends, or we do: a begun line goes as it is. */
void listeners_flush(struct stream *s);
