#pragma once

/** Flips, drains, cuts: what happens to the connections of a slot. */

#include "relay_service.h"
#include "relay_worker.h"

/** The live slot may have changed. Answers id when no connection from before is queued. */
void service_flipped(struct relay_service *s, uint32_t id);
/** Answers DRAINED to id when the slot has no connection left. */
void service_drain(struct relay_service *s, enum slot_id slot, uint32_t id);
/** Answers DRAINED to id when the worker, which is not up any more, has no connection left, and at
 * once if there is no such worker. */
void service_drain_worker(struct relay_service *s, enum slot_id slot, uint32_t key, uint32_t id);
/** The worker is up again: whatever was to become of its connections, they stay. */
void worker_stays(struct relay_worker *w);
/** Closes a slot's connections over spread; key UINT32_MAX: of all its workers. One worker that is
 * cut gets no connections until that is over. Answers id. */
void service_cut(struct relay_service *s, enum slot_id slot, uint32_t key, usec_t spread,
		 uint32_t id);
/** Sets up the timers of both slots, by which their connections are looked at. */
void slot_timers_init(struct relay_service *s);
