#pragma once

/** A slot's workers: start, stop, count, up or down. */

#include "service/service.h"

struct slot_count {
	unsigned total; /* workers with an address */
	unsigned running, healthy, lost;
	unsigned alive; /* processes of any kind that are, or will be, there */
	unsigned stopping;
	unsigned queue; /* workers without an address */
};

void slot_count(const struct service *s, enum slot_id slot, struct slot_count *ret);
/** Starts what has an address; afresh: what runs ends first. */
void slot_start(struct service *s, enum slot_id slot, bool afresh);
/** Goes on with slot_start once what had to end has ended. True when nothing is waited for. */
bool slot_start_goes_on(struct service *s, enum slot_id slot);
/** Its workers are not killed before patience is over, where their stopwaitsecs is less. */
void slot_stop(struct service *s, enum slot_id slot, usec_t patience);
/** The queue workers of the live slot start, those of the other stop. */
void slots_exchange_queue_workers(struct service *s);
bool slot_is_draining(const struct service *s, enum slot_id slot);
/** Are its workers up and healthy enough to take over at once? */
bool slot_is_warm(const struct service *s, enum slot_id slot);
/** How many of each slot run and are healthy: for slot_worker_up. */
void service_count_healthy(const struct service *s, unsigned ret[SLOT_MAX_]);
/** May connections be placed on it? */
bool slot_worker_up(const struct process *p, const unsigned healthy[SLOT_MAX_]);
/** OPEN, or HOLD where the live slot was stopped by hand. */
void service_judge_mode(struct service *s);
