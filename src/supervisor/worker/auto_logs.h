#pragma once

/** Names of AUTO logs, and the logs of former runs. */

#include "worker/process.h"

#include <slotd/config.h>

/**
 * Removes AUTO logs of former runs. If somebody still writes to one, another daemon uses the same
 * directory and identifier; then all of them stay, because nothing shows which of them belong to
 * programs that it has stopped. For the start only: it may wait for a disk.
 */
void auto_logs_clean(const struct config *config);
/** Sets the real paths of its logs; an AUTO log gets a new name. Returns 0 or -ENOMEM. */
int auto_logs_name(struct process *p);
