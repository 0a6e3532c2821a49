#pragma once

/** Commands to a world's slotd, as slotd-control sends them for root at slotd's own socket. */

#include <slotd/command.h>
#include <slotd/fault.h>
#include <slotd/message.h>

#include "fake.h"
#include "slotd_world.h"

struct asked {
	enum command command;
	const char *name, *signal, *arg;
	bool wait, nobody; /* of a user who may nothing */
};

/** Sends it as that request, and waits until nothing happens any more. */
static inline void ask_as(struct world *w, uint32_t id, const struct asked *a)
{
	struct message m;

	message_init(&m, MSG_COMMAND, id);
	message_put_u64(&m, TAG_COMMAND, a->command);
	message_put_text(&m, TAG_NAME, a->name);
	message_put_text(&m, TAG_SIGNAL, a->signal);
	message_put_text(&m, TAG_ARG, a->arg);
	message_put_u64(&m, TAG_WAIT, a->wait);
	message_put_u64(&m, TAG_UID, a->nobody ? 65534 : 0);
	message_put_u64(&m, TAG_GID, a->nobody ? 65534 : 0);
	fake_helper_send("slotd-control", &m);
	world_settle(w);
}

/** What is answered to it at once. */
#define ask(w, ...) (ask_as(w, 7, &(struct asked){__VA_ARGS__}), fake_answers())
