#pragma once

/** Starting and stopping the workers of a slot. */

#include "service/service.h"

/** Starts the workers that have an address and those that go with the slot; if afresh, those that
 * run are stopped first. */
void slot_start(struct service *s, enum slot_id slot, bool afresh);
/** The same, begun at that time by a slotd that was killed: what was started since goes on. */
void slot_start_again(struct service *s, enum slot_id slot, bool afresh, usec_t began);
/** Continues slot_start when the workers that were stopped have ended. True if there is nothing to
 * wait for. */
bool slot_start_goes_on(struct service *s, enum slot_id slot);
/** Stops the workers; they are not killed before patience is over, even if stopwaitsecs is shorter.
 */
void slot_stop(struct service *s, enum slot_id slot, usec_t patience);
/** Starts the queue workers of the live slot, and stops those of the other that follow the flip. */
void slots_exchange_queue_workers(struct service *s);
/** Stops the queue workers of the other slot than the live one that follow the flip. */
void slots_stop_idle_queue_workers(struct service *s);
/** Judges by the policy of the gate workers that slot_count has counted, good of which are ready.
 */
enum gate_verdict slot_judge(const struct service *s, const struct slot_count *count,
			     unsigned good);
bool slot_is_draining(const struct service *s, enum slot_id slot);
/** Are enough of its workers up and healthy for it to become live at once? */
bool slot_is_warm(const struct service *s, enum slot_id slot);
