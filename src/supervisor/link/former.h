#pragma once

/** Helpers of a slotd that was killed: taken over, or ended. */

#include "supervisor.h"

struct former {
	pid_t pid;
	int pidfd, channel_fd; /* -EBADF: it has none */
};

/** The one that was kept under that name. False: it has ended, or there was none. */
bool former_take(struct supervisor *sup, const char *label, struct former *ret);
/** Ends it and waits for that: until then it would answer beside its successor. */
void former_end(struct supervisor *sup, const char *label);
/** Ends all that nobody has taken. */
void former_end_rest(struct supervisor *sup);
/** How many relays there were; 0: none is left. */
unsigned former_relays(const struct supervisor *sup);
