#pragma once

/** Ctrl-C as an answer instead of an end: it ends a wait of the connection with -EINTR. */

#include "rpc.h"

#include <signal.h>
#include <stdbool.h>

struct interrupt {
	bool on;
	struct rpc *rpc;
	struct sigaction old_action;
	sigset_t old_mask;
};

/**
 * From here to interrupt_done SIGINT is noted. With an rpc it arrives only in its waits, so that
 * none is missed between two of them. Keeps rpc, which may be NULL.
 */
void interrupt_init(struct interrupt *i, struct rpc *rpc);
void interrupt_done(struct interrupt *i);
/** Until fd can be read: 0, or -1 and errno; EINTR also when SIGINT arrived just before. */
int interrupt_wait(int fd);
/** Has it arrived since the last time this was asked? */
bool interrupt_taken(void);
