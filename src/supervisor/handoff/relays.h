#pragma once

/** slotd-relay: what each is told, at its start and when something changes. */

#include "link/helpers.h"
#include "service/handoff_ops.h"
#include "service/service.h"

/** Is a client in the middle of something? What it says does not come by slotd. */
bool relays_work(const struct supervisor *sup);
void relays_done(struct supervisor *sup);

/** Gives slotd-control the relays' pages of counts. */
void relays_publish(struct supervisor *sup, struct helper *control);

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

extern const struct handoff_ops relay_handoff;
extern const struct helper_ops relays_helper_ops;
