#pragma once

/** slotd-relay: what each is told, at its start and when something changes. */

#include "link/helpers.h"
#include "service/handoff_ops.h"
#include "service/service.h"

/** Rows that changed since they were last told. */
void relays_workers(struct service *s);
/** What relays have open to a slot, summed. */
struct slot_load {
	uint64_t queued, silent, active, idle, pinned;
};
/** All of them. */
static inline uint64_t slot_load_total(const struct slot_load *l)
{
	return l->queued + l->silent + l->active + l->idle + l->pinned;
}
void slot_load(const struct service *s, enum slot_id slot, struct slot_load *ret);
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
