#pragma once

/** Carries out the plans of core/deploy.c and core/retire.c. */

#include "deploy/begin.h"
#include "service/service.h"

/** Feeds an event to core/deploy.c and carries out the plan. Copies text. */
void service_feed(struct service *s, enum deploy_event_kind kind, int code, const char *text);
/** A canary gets another share. */
void service_set_share(struct service *s, uint16_t share);
void service_begin(struct service *s, const struct begin *b);
void service_retire(struct service *s, enum slot_id slot, enum retire_event_kind kind);
void service_swap_init(struct service *s, enum slot_id live);
void service_swap_done(struct service *s);
/** After a slotd was killed: what its swap and its retiring slots wait for is begun again. */
void service_swap_resume(struct service *s);
/** As an observer of services: gate, handoff, commands and disks report something. */
void service_swap_step(struct service *s, enum deploy_event_kind kind, int code, const char *text);
/** As an observer of workers: START may be over, or a slot that retires may have stopped. */
void service_swap_process_entered(struct process *p, const struct plan_action *a);
/** Gives up swaps that have not flipped yet, because all workers are stopped. */
void services_shutdown(struct supervisor *sup);
/** As an observer of services: a slot that was a canary may get no more connections. */
void service_swap_shared(struct service *s);
