#pragma once

/** A command from slotd-control, as it is passed to the function that carries it out. */

#include "supervisor.h"

#include <slotd/message.h>

/* A command. Its texts are borrowed from the message. */
struct call {
	struct supervisor *sup;
	const struct message *m;
	uint32_t id;
	const char *name; /* "" if there is none */
	bool trusted;	  /* root, slotd's own user, or a client of a server with its own rules */
};
