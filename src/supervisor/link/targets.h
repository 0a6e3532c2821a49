#pragma once

/** Logs whose name stands for a descriptor. */

#include <slotd/config.h>

/**
 * Returns a duplicate of the descriptor that a log's name stands for, which the caller closes; or
 * -errno and a sentence. Never waits.
 */
int target_open(const struct log_target *t, struct diag *diag);
/** Is the target slotd's own stdin, stdout or stderr? */
bool target_is_standard(const struct log_target *t);
