#pragma once

/** Plans of core/deploy.c and core/retire.c: each action carried out. */

#include "service/service.h"

/** Feeds core/deploy.c and carries out its plan; text is copied. */
void service_feed(struct service *s, enum deploy_event_kind kind, int code, const char *text);
/** The live slot fails, and that may be what a bake is for: text says why. */
void service_fails(struct service *s, enum deploy_event_kind kind, const char *text);
void service_begin(struct service *s, enum swap_kind kind, bool warm, bool draining);
void service_retire(struct service *s, enum slot_id slot, enum retire_event_kind kind);
void service_swap_init(struct service *s, enum slot_id live);
void service_swap_done(struct service *s);
/** As a service's observer: what gate, handoff, commands and disks say. */
void service_swap_step(struct service *s, enum deploy_event_kind kind, int code, const char *text);
/** As a worker's observer: START may be over, or a slot that retires be empty. */
void service_swap_process_entered(struct process *p, const struct plan_action *a);
/** Gives up what has not flipped yet: workers end now. */
void services_shutdown(struct supervisor *sup);
/** As a service's observer: a check had a result. Does the new slot pass while it is baked? */
void service_swap_judged(struct service *s);
