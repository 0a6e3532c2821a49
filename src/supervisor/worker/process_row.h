#pragma once

/** What remains of a worker when slotd dies: its row in the ledger and its entry in slotd-keep. */

#include "link/kept.h"
#include "worker/process.h"

/** Writes the state of p to the ledger, after a change that was not a step of the core. */
void process_commit(struct process *p);
/** The wall clock was set: adjusts its times and shows them again. */
void process_move_times(struct process *p, int64_t by);
/** What it was waiting for under a former slotd, until that is begun again. */
void process_commit_waits(struct process *p, const struct ledger_run *former);
/** Stores the paths of its logs for its row. */
void process_row_name_logs(struct process *p);
/** Updates its entry in slotd-keep, or drops it if there is no process. */
void process_keep(struct process *p);
/** As process_keep, when something of it has gone: soon, for the rest of it may go, too. */
void process_keep_less(struct process *p);
/**
 * Lists the read ends of its pipes that slotd-log still reads, also of former runs, the newest
 * first, for slotd-keep. Returns their number.
 */
unsigned process_kept_streams(const struct process *p, struct kept_fd *ret, unsigned max);
/** As a former slotd knew it. Its descriptors and timers are not touched. */
void process_restore(struct process *p, const struct ledger_view *ledger,
		     const struct ledger_worker *row);
