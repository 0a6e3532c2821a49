#pragma once

/** stdout and stderr of workers; slotd-log's refill. */

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
/** The process is gone for good: its open streams finish without it. */
void streams_forget(struct process *p);
