#pragma once

/** The commands of a deploy. What they print goes to the job's log, which slotd does not read. */

#include "service/service.h"

/** A part of a service: 0. */
int prepare_init(struct service *s);
/** Runs the commands; ends in PREPARED. */
void prepare_start(struct service *s);
void prepare_stop(struct service *s);
/** Something of the job's log is written: maybe all that they printed. */
void prepare_written(struct service *s);
/** Those that a killed slotd had started. */
void prepare_end_former(struct service *s);
