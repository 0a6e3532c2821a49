#pragma once

/** What this relay answers slotd. */

#include "relay_service.h"

/** Answers the question with that id: 0, or a negative errno. Does nothing for id 0. */
void message_send_done(struct relay *relay, uint32_t id, int code);
/** Sends DONE for a cut that has closed n connections. */
void message_send_cut(struct relay *relay, uint32_t id, unsigned n);
/** Sends DRAINED of that slot, as the answer to id. */
void message_send_drained(struct relay_service *s, enum slot_id slot, uint32_t id);
