#pragma once

/** The relays: shared by service_relays.c (what they are told) and service_rounds.c (answers). */

#include "services.h"

/** NULL when there is none of that number. */
struct helper *relay_at(const struct supervisor *sup, unsigned i);
/**
 * A bit for each that can be asked. One that cannot has nothing open, and its successor reads word
 * and tables first.
 */
uint64_t relays_there(const struct supervisor *sup);
/** Sends to each that is there. Borrows m. */
void relays_tell(struct supervisor *sup, struct message *m);
/** A message that names the service and no more. */
void relays_fill(struct message *m, enum message_type type, uint32_t id, const struct service *s);

/** A relay answered the round of that message's id, if it still goes on. */
void rounds_answered(struct helper *h, const struct message *m);
/** A relay died: what it was asked holds for it now. */
void rounds_lose(struct helper *h);
