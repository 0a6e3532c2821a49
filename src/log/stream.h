#pragma once

/**
 * Workers' pipes. A stream lives from LOG_STREAM until its pipe's end and the last byte written
 * (LOG_CLOSED).
 */

#include "logger.h"

void streams_init(struct logger *lg);
void streams_done(struct logger *lg);
struct stream *stream_find(struct logger *lg, uint32_t id);

/** MSG_LOG_STREAM. */
void stream_set(struct logger *lg, struct message *m);
/** Takes what is in the pipe, or a part of it; what is left is for the next turn. */
void stream_take(struct stream *s);
/** Takes what is in the pipe now. */
void stream_drain(struct stream *s);
/** All of them, before QUIT is obeyed. */
void streams_drain(struct logger *lg);
/** Those whose output slotd's own log shows, as far as this turn has time for it. */
void streams_drain_shown(struct logger *lg);
/** Looks again at those that wait for a target, a line's end or the timer. */
void streams_watch_again(struct logger *lg);
/** There is room in the channel: send what it refused. */
void streams_flush(struct logger *lg);
