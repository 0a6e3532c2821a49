#pragma once

/** A worker as slotd-control sees it. */

#include "link/helpers.h"
#include "worker/process.h"

/** Sends a worker as a message of that generation; for publish.c. 0 or -errno. */
int process_publish(const struct process *p, uint64_t generation, struct helper *control);
