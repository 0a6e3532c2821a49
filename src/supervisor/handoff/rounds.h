#pragma once

/** The acts of relay_handoff: a question to every relay, which answers or is restarted. */

#include "link/helpers.h"
#include "service/service.h"

/** As begin of struct handoff_ops; what follows, as its functions of that name. */
void rounds_begin(struct service *s, const struct placement *first);
/** Sends the table to all relays, stores the word when they have answered, and sends FLIPPED, which
 * they answer, too. A hold needs no table. */
void rounds_place(struct service *s, const struct placement *to);
void rounds_drain(struct service *s, enum slot_id slot);
void rounds_cut(struct service *s, enum slot_id slot, usec_t spread);
/** The same of one worker of the slot. Each returns 0, or -ENOMEM and does nothing. */
int rounds_drain_worker(struct service *s, const struct process *p);
int rounds_cut_worker(struct service *s, const struct process *p, usec_t spread);
/** Ends the round about this worker, if there is one. */
void rounds_spare_worker(struct service *s, const struct process *p);
/** Ends all rounds of the service. */
void rounds_cancel(struct service *s);

/** A relay has answered the round with the id of m, which may be over. */
void rounds_answered(struct helper *h, const struct message *m);
/** A relay has died, which counts as its answer to all rounds. */
void rounds_lose(struct helper *h);
/** A relay has another index. */
void rounds_renumber(struct supervisor *sup, unsigned from, unsigned to);
