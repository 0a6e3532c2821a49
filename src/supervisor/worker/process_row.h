#pragma once

/** What outlives slotd of a worker: its row in the ledger and its entry at slotd-keep. */

#include "link/kept.h"
#include "worker/process.h"

/** Puts what is known of it into the ledger: after a change that no step of the core brought. */
void process_commit(struct process *p);
/** The paths of its logs, for its row. 0 or -ENOSPC. */
int process_row_name_logs(struct process *p);
/** Puts what slotd-keep holds of it as it is now; drops it when it has no process. */
void process_keep(struct process *p);
/**
 * Read ends of its pipes that slotd-log still reads, the newest first, for slotd-keep. Those of its
 * former runs are among them. Returns their number.
 */
unsigned process_kept_streams(const struct process *p, struct kept_fd *ret, unsigned max);
