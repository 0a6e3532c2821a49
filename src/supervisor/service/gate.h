#pragma once

/** Health checks by slotd-probe or a command, for the gate and afterwards. */

#include "link/helpers.h"
#include "service/service.h"

/** Checks the workers of the target slot until gate_end; ends in READY or NOT_READY. */
void gate_begin(struct service *s);
void gate_end(struct service *s);
/** A worker has changed its state, or is removed: the results of its checks are void. */
void gate_worker_changed(struct service *s, struct process *p);
void gate_forget(struct process *p);
/** Arms the timer for the next check. */
void gate_schedule(struct service *s);
/**
 * It is known how a worker is: by a check, or by its own words.
 *
 * @changed  whether it is healthy has changed.
 * @why      why it is not, for people; NULL: there is nothing wrong.
 */
void gate_heard(struct process *p, bool changed, const char *why);
/** As a part of a service, which gate_schedule opens. */
int gate_init(struct service *s);
/** A shorter health_interval applies to the next check. */
void gate_reconfigure(struct service *s);
void gate_stop(struct service *s);
void gate_done(struct supervisor *sup);
extern const struct helper_ops gate_helper_ops; /* slotd-probe */
