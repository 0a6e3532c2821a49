#pragma once

/**
 * The commands of a deploy: prepare, verify, after_swap, on_failure. What they print goes to the
 * job's log, which slotd does not read.
 */

#include "service/service.h"

/** A part of a service: 0. */
int hooks_init(struct service *s);
/** Runs the commands; ends in COMMANDS. */
void hooks_start(struct service *s, enum hook hook);
void hooks_stop(struct service *s);
/** They have had their time: ends in TIMER. */
void hooks_time_out(struct service *s);
/** Something of the job's log is written: maybe all that they printed. */
void hooks_written(struct service *s);
/** Those that a killed slotd had started. */
void hooks_end_former(struct service *s);
