#pragma once

/** Messages from slotd: services, listeners, workers, flips, drains. */

#include <slotd/channel.h>

/** Handles a message of slotd; the owner of ch is the relay. */
void message_received(struct channel *ch, struct message *m);
