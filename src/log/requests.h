#pragma once

/** What slotd asks of log files: to empty one, or to open one for reading. */

#include <slotd/message.h>

struct logger;

/** Handles MSG_LOG_CLEAR. */
void request_clear(struct logger *lg, const struct message *m);
/** Handles MSG_LOG_OPEN. */
void request_open(struct logger *lg, const struct message *m);
