#pragma once

/** stdout, stderr and stdin pipes; slotd-log's refill. */

#include "link/helpers.h"
#include "worker/process.h"

enum {
	AUTO_LOG_MODE = 0600,
};

/** slotd's own log and the streams' table. 0 or -errno. */
int streams_init(struct supervisor *sup, struct diag *diag);
void streams_done(struct supervisor *sup);
/** slotd-log: a fresh one is told all that goes on, and what it says of streams is noted. */
void streams_refill(struct helper *h);
void streams_received(struct helper *h, struct message *m);
/** Whose output a message of slotd-log is about. Borrowed. */
struct stream_owner {
	const char *group, *name;
	struct process *process; /* NULL: that run of it is over */
};
/** False: it is over, and its last byte was written. */
bool streams_whose(struct supervisor *sup, const struct message *m, struct stream_owner *ret);
/** Closes and opens every log file again (SIGUSR2). */
void streams_reopen(struct supervisor *sup);
/** Pipes for the next spawn: ret_child[0..2] are the child's ends, the caller's to close. */
int streams_open(struct process *p, int ret_child[3]);
/** The child runs (or not): its streams go to slotd-log, or are dropped. */
void streams_started(struct process *p);
void streams_abandon(struct process *p);
/**
 * A pipe for a worker, close-on-exec. It belongs to the worker's user, who may then open it by
 * name, as /dev/stdout. 0 or -errno.
 */
int streams_pipe(const struct process *p, int ret_ends[2]);
/**
 * Read ends of its pipes that slotd-log still reads, the newest first, for slotd-keep. Those of its
 * former runs are among them. Returns their number.
 */
unsigned streams_kept(const struct process *p, struct kept_fd *ret, unsigned max);
/** The process has ended: nobody reads its stdin any more. */
void streams_ended(struct process *p);
/** The process is gone for good: its open streams finish without it. */
void streams_forget(struct process *p);
/** Chooses the log files' real paths (AUTO). 0 or -ENOMEM. */
int streams_name_logs(struct process *p);
/** Bytes for its stdin. 0, -EPIPE (closed), -ENOBUFS (the bounded queue is full), -ENOMEM. */
int streams_write_stdin(struct process *p, const void *data, size_t len);
