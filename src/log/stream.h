#pragma once

/**
 * Workers' pipes. A stream exists from MSG_LOG_STREAM until its pipe has ended and the last byte is
 * written (MSG_LOG_CLOSED).
 */

#include "logger.h"

void streams_init(struct logger *lg);
/** Frees all streams. What the notes say of them stays, for the next slotd-log. */
void streams_done(struct logger *lg);
/** Finds a stream by the id that slotd gave it. NULL if there is none. */
struct stream *stream_find(struct logger *lg, uint32_t id);

/** Handles MSG_LOG_STREAM: a new stream, or a new target of a known one. Takes the descriptors of
 * m. */
void stream_set(struct logger *lg, struct message *m);
/** Takes what is in the pipe, at most for the rest of this turn's time. s may be freed. */
void stream_take(struct stream *s);
/** Takes what is in the pipe now, however long it takes. */
void stream_drain(struct stream *s);
/** Drains all streams; before slotd-log ends. */
void streams_drain(struct logger *lg);
/** Drains the streams whose output slotd's own log shows, as far as this turn has time for it. */
void streams_drain_shown(struct logger *lg);
/** The channel has room again: sends each MSG_LOG_CLOSED that it refused. */
void streams_flush(struct logger *lg);
