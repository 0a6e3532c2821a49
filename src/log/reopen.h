#pragma once

/**
 * Opens log files again by their path: because slotd asks for it, or because somebody has deleted
 * or moved them. An incomplete line is completed in the file in which it began.
 */

#include <stdint.h>

struct log_file;
struct logger;

/** Handles MSG_LOG_REOPEN with this id: each file is opened again where its current line ends, or
 * when the timer expires. */
void reopen_asked(struct logger *lg, uint32_t id);
/** The timer has expired: opens the files that still wait for a line end. */
void reopen_now(struct logger *lg);
/** A file was opened again at a line end. Answers MSG_LOG_REOPEN if it was the last. */
void reopen_told(struct logger *lg);
/** Opens the path of f again if somebody has deleted or moved the file, and reports it. */
void reopen_if_gone(struct logger *lg, struct log_file *f);
