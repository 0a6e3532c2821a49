#pragma once

/** Starts that wait for an end. */

#include "worker/process.h"

int waits_init(struct supervisor *sup);
void waits_done(struct supervisor *sup);
/** Starts it when nothing it has to wait for is left, which may be at the end of this turn. */
void process_start_after(struct process *p, enum process_wait what);
/** It is started or stopped by somebody meanwhile, or goes. */
void process_wait_no_more(struct process *p);
/** The first process that it waits for; NULL: none. */
const struct process *process_waits_for(const struct process *p);
/** It is about to be freed. */
void waits_forget(struct process *p);
/** A process has ended. */
void waits_look_soon(struct supervisor *sup);
