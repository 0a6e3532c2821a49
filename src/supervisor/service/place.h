#pragma once

/**
 * What core/service.c says of a service's conditions, put into effect: which workers get
 * connections, where new ones go, and what people are told is wrong.
 */

#include "service/service.h"

/** As the core sees it. */
struct worker_condition slot_worker_condition(const struct process *p);
void slot_count(const struct service *s, enum slot_id slot, struct slot_count *ret);
/** Both slots in one look. */
void service_count(const struct service *s, struct slot_count ret[SLOT_MAX_]);
/** Its first placement: all to the live slot, or to nobody where that is not known. */
void service_begin_placed(struct service *s, enum slot_id live);
/** New connections go to that slot: ends in DEPLOY_EV_FLIPPED. */
void service_flip(struct service *s, enum slot_id live);
/** Judges it, and puts the verdict into effect. */
void service_settle(struct service *s);
/** Which of its workers are up. */
void service_tell_workers(struct service *s);
/** What the core says of it as it is now. */
void service_verdict(const struct service *s, struct service_verdict *ret);
