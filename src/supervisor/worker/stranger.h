#pragma once

/**
 * The process group of a worker that a former slotd started: it is no child of ours, so its number
 * may be given away before we hear of its end.
 */

#include "worker/process.h"

/** Kills what is left of it, unless its number is another's by now. */
void stranger_kill_group(struct process *p);
/** Is nobody of it left? If somebody is, clear_timer comes in a moment. */
bool stranger_group_ended(struct process *p);
