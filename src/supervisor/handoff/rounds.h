#pragma once

/** The acts of relay_handoff: every relay answers, or is restarted. */

#include "link/helpers.h"
#include "service/service.h"

void rounds_begin(struct service *s, const struct placement *first);
/** Table to all, answered; store; doorbell, answered. A hold has no table to wait for. */
void rounds_place(struct service *s, const struct placement *to);
void rounds_drain(struct service *s, enum slot_id slot);
void rounds_cut(struct service *s, enum slot_id slot, usec_t spread);
/** None of them goes on. */
void rounds_cancel(struct service *s);

/** A relay answered the round of that message's id, if it still goes on. */
void rounds_answered(struct helper *h, const struct message *m);
/** A relay died: what it was asked holds for it now. */
void rounds_lose(struct helper *h);
