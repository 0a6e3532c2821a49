#pragma once

/**
 * Puts the verdict of core/service.c into effect: which workers get connections, to which slot new
 * connections go, and what is reported as wrong.
 */

#include "service/service.h"

/** Returns the conditions of a worker, for the core. */
struct worker_condition slot_worker_condition(const struct process *p);
void slot_count(const struct service *s, enum slot_id slot, struct slot_count *ret);
/** Counts the workers of both slots. */
void service_count(const struct service *s, struct slot_count ret[SLOT_MAX_]);
/** Sets the first placement: all connections go to the live slot, or wait if it is unknown. */
void service_begin_placed(struct service *s, enum slot_id live);
/** As a former slotd's relays have it, by the switchboard. */
void service_resume_placed(struct service *s);
/** Sends new connections to that slot; ends in DEPLOY_EV_FLIPPED. */
void service_flip(struct service *s, enum slot_id live);
/** Judges the service, and puts the verdict into effect. */
void service_settle(struct service *s);
/** Drains a slot, as soon as no new connections go there. */
void service_drain(struct service *s, enum slot_id slot);
/** Tells the handoff which of its workers are up. */
void service_tell_workers(struct service *s);
/** Judges the service as it is now. */
void service_verdict(const struct service *s, struct service_verdict *ret);
