#pragma once

/** Ctrl-C as an answer instead of an end: it ends a wait of the connection with -EINTR. */

#include "rpc.h"

#include <signal.h>
#include <stdbool.h>

struct interrupt {
	struct rpc *rpc;
	struct sigaction old_action;
	sigset_t old_mask;
};

/** From here to interrupt_done SIGINT arrives only in waits. Keeps rpc. */
void interrupt_init(struct interrupt *i, struct rpc *rpc);
void interrupt_done(struct interrupt *i);
/** Has it arrived since the last time this was asked? */
bool interrupt_taken(void);
