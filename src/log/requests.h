#pragma once

/** What slotd asks about log files: reopen, empty, open for reading. */

#include <slotd/message.h>

struct logger;

/** MSG_LOG_REOPEN: each file at the end of the line that is begun, at the latest soon. */
void request_reopen(struct logger *lg, uint32_t id);
/** The time for line ends is over. */
void request_reopen_now(struct logger *lg);
/** MSG_LOG_CLEAR. */
void request_clear(struct logger *lg, const struct message *m);
/** MSG_LOG_OPEN. */
void request_open(struct logger *lg, const struct message *m);
