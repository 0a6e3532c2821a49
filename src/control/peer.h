#pragma once

/** Who asks: what slotd is told of a client, to judge a command by. */

#include <slotd/message.h>

#include <sys/socket.h>

struct peer {
	uint64_t server; /* INDEX of MSG_CONTROL_LISTEN */
	bool has_credentials;
	struct ucred credentials; /* of a unix socket's other end, when it connected */
	const char *who;	  /* user name that came with the right password; NULL */
};

/** Puts INDEX, and UID, GID, PID, WHO where they are known. */
void peer_put(const struct peer *p, struct message *m);
