#pragma once

/** Commands about logs, which slotd-log carries out and answers. */

#include "call.h"

/** Opens the log of a worker, or slotd's own if no name is given; the answer has a descriptor. */
void command_open_log(const struct call *c);
void command_open_history(const struct call *c);
/** Opens the log of a job, or with BACKUPS the part of it that was rotated away. */
void command_open_job_log(const struct call *c);
/** Empties the logs of all processes that the name stands for, or slotd's own. */
void command_clear_log(const struct call *c);
void command_reopen_logs(const struct call *c);
