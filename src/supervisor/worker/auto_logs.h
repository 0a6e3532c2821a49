#pragma once

/** AUTO logs: their names, and those of former runs. */

#include "worker/process.h"

#include <slotd/config.h>

/**
 * Removes AUTO logs of former runs. All of them stay where somebody still writes to one: another
 * daemon uses the same directory and identifier then, and the files of what it has stopped look
 * like those of nobody. At the start only: it may wait for a disk.
 */
void auto_logs_clean(const struct config *config);
/** Chooses the real paths of its logs; an AUTO one gets a name of its own. 0 or -ENOMEM. */
int auto_logs_name(struct process *p);
