#pragma once

/** Health checks by slotd-probe or a command, for the gate and afterwards. */

#include "link/helpers.h"
#include "service/service.h"

/** Checks of the target slot's workers until gate_end; ends in READY or NOT_READY. */
void gate_begin(struct service *s);
void gate_end(struct service *s);
/** A worker changed state, or went: what is known of its health is void. */
void gate_worker_changed(struct service *s, struct process *p);
void gate_forget(struct process *p);
/** Checks are due: arms the timer for the next. */
void gate_schedule(struct service *s);
/** What START or GATE still waits for, for people; names the culprit. Returns buf. */
const char *gate_report(struct service *s, char *buf, size_t size);
/** As a part of a service, with gate_schedule to open. */
int gate_init(struct service *s);
void gate_stop(struct service *s);
void gate_done(struct supervisor *sup);
extern const struct helper_ops gate_helper_ops; /* slotd-probe */
