#pragma once

/**
 * Log files that are opened again by their path: because slotd asks, or because somebody has
 * deleted or moved them. A line that is begun ends where it began.
 */

#include <stdint.h>

struct log_file;
struct logger;

/** MSG_LOG_REOPEN: each file at the end of the line that is begun, at the latest soon. */
void reopen_asked(struct logger *lg, uint32_t id);
/** The time for line ends is over. */
void reopen_now(struct logger *lg);
/** A file was reopened at a line end; answers LOG_REOPEN when it was the last. */
void reopen_told(struct logger *lg);
/** Opens f's path again when somebody has deleted or moved the file; says so. */
void reopen_if_gone(struct logger *lg, struct log_file *f);
