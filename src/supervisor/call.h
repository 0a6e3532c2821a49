#pragma once

/** A command of slotd-control on its way to the function that does it. */

#include "supervisor.h"

#include <slotd/message.h>

/* One command as it came. Texts are borrowed from the message. */
struct call {
	struct supervisor *sup;
	const struct message *m;
	uint32_t id;
	const char *name; /* "" when there is none */
	bool trusted;	  /* root, slotd's own user, or a server with rules of its own */
};
