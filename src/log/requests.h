#pragma once

/** What slotd asks about log files: empty, open for reading. */

#include <slotd/message.h>

struct logger;

/** MSG_LOG_CLEAR. */
void request_clear(struct logger *lg, const struct message *m);
/** MSG_LOG_OPEN. */
void request_open(struct logger *lg, const struct message *m);
