#pragma once

/** A slot's workers: start, stop. */

#include "service/service.h"

/** Starts what has an address; afresh: what runs ends first. */
void slot_start(struct service *s, enum slot_id slot, bool afresh);
/** Goes on with slot_start once what had to end has ended. True when nothing is waited for. */
bool slot_start_goes_on(struct service *s, enum slot_id slot);
/** Its workers are not killed before patience is over, where their stopwaitsecs is less. */
void slot_stop(struct service *s, enum slot_id slot, usec_t patience);
/** The queue workers of the live slot start, those of the other stop. */
void slots_exchange_queue_workers(struct service *s);
/** Of workers counted by slot_count, of which good are as they should be: by the gate's policy. */
enum gate_verdict slot_judge(const struct service *s, const struct slot_count *count,
			     unsigned good);
bool slot_is_draining(const struct service *s, enum slot_id slot);
/** Are its workers up and healthy enough to take over at once? */
bool slot_is_warm(const struct service *s, enum slot_id slot);
