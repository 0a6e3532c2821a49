#pragma once

/**
 * /logtail/NAME[/stdout|/stderr] and /mainlogtail: the last 1,024 bytes of a log, then whatever is
 * added, through rotations and truncations. While somebody follows, the log is looked at four
 * times a second; nobody follows, nothing runs. The functions of the routes (http.h).
 */

#include "http.h"

#include <slotd/usec.h>

void follow_run(struct request *rq);
void follow_run_main(struct request *rq);
void follow_gone(struct request *rq);

/* Also for the logs of jobs. */

/** Between two looks at a log. */
extern const usec_t follow_tick;
/** After so many looks that saw nothing new: is slotd to be asked whether the name is another file
 * by now? A log that was written to stops at a rotation, so soon; then less and less often. */
bool follow_ask_now(unsigned quiet);
