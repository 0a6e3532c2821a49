#pragma once

/** Logs whose name means a descriptor. */

#include <slotd/config.h>

/**
 * A duplicate of the descriptor that a log's name means, the caller's to close; or -errno with a
 * sentence. Never waits.
 */
int target_open(const struct log_target *t, struct diag *diag);
/** Is it slotd's own stdin, stdout or stderr? */
bool target_is_standard(const struct log_target *t);
