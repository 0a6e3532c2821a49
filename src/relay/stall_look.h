#pragma once

/** What a worker does not read goes to another one. */

#include <slotd/loop.h>

/** Callback of relay_service.stall_timer. */
void on_stall(struct loop_timer *t);
