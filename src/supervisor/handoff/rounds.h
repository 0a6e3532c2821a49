#pragma once

/** Flips, drains, cuts: every relay answers, or is restarted. */

#include "link/helpers.h"
#include "service/service.h"

/** Table to all, answered; store; doorbell, answered; then SWAP_EV_FLIPPED. */
void relays_flip(struct service *s);
void relays_drain(struct service *s, enum slot_id slot);
/** Ends what the slot has, evenly over spread. */
void relays_cut(struct service *s, enum slot_id slot, usec_t spread);
void round_init(struct round *r, struct service *s, enum slot_id slot);
void round_cancel(struct round *r);

/** A relay answered the round of that message's id, if it still goes on. */
void rounds_answered(struct helper *h, const struct message *m);
/** A relay died: what it was asked holds for it now. */
void rounds_lose(struct helper *h);
