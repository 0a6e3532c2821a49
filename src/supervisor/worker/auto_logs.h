#pragma once

/** AUTO logs of former runs. */

#include <slotd/config.h>

/**
 * Removes AUTO logs of former runs. All of them stay where somebody still writes to one: another
 * daemon uses the same directory and identifier then, and the files of what it has stopped look
 * like those of nobody. At the start only: it may wait for a disk.
 */
void auto_logs_clean(const struct config *config);
