#pragma once

/** Commands about logs: slotd-log does what they ask for, and its answer is passed on. */

#include "call.h"

/** Of a worker, or slotd's own where no name is given: answered with a descriptor to read. */
void command_open_log(const struct call *c);
void command_open_history(const struct call *c);
/** Of all that the name means, or slotd's own. */
void command_clear_log(const struct call *c);
void command_reopen_logs(const struct call *c);
