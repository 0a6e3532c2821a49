#pragma once

/** What slotd tells each slotd-relay when it starts and when something changes. */

#include "link/helpers.h"
#include "service/handoff_ops.h"
#include "service/service.h"

/** Is a client in the middle of something? slotd itself does not see its traffic. */
bool relays_work(const struct supervisor *sup);
void relays_done(struct supervisor *sup);

/** Starts another in the place of each that a former slotd has left, which ends with its last
 * connection.
 */
void relays_replace(struct supervisor *sup);

/** Returns the relay with this number, or NULL. */
struct helper *relay_at(const struct supervisor *sup, unsigned i);
/**
 * Returns a bit for each relay that can be asked. A relay that cannot has no connections, and the
 * one that replaces it reads the switchboard and the tables first.
 */
uint64_t relays_there(const struct supervisor *sup);
/** Sends m to each relay that is running. Borrows m. */
void relays_tell(struct supervisor *sup, struct message *m);
/** Fills m with a message that contains nothing but the service. */
void relays_fill(struct message *m, enum message_type type, uint32_t id, const struct service *s);

extern const struct handoff_ops relay_handoff;
extern const struct helper_ops relays_helper_ops;
