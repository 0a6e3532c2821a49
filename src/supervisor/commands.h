#pragma once

/** Requests from slotd-control, judged by the peer's credentials. */

#include "supervisor.h"

#include <slotd/command.h>
#include <slotd/message.h>

/** Handles MSG_COMMAND, MSG_COMMAND_GONE, MSG_STDIN and MSG_EVENT. */
void commands_received(struct supervisor *sup, struct message *m);
/** Is there a function for this command? */
bool commands_have(enum command c);
