#pragma once

/**
 * /logtail/NAME[/stdout|/stderr] and /mainlogtail: the last 1,024 bytes of a log, then whatever is
 * added, through rotations and truncations. While somebody follows, the log is looked at four
 * times a second; nobody follows, nothing runs. The functions of the routes (http.h).
 */

#include "http.h"

void follow_run(struct request *rq);
void follow_run_main(struct request *rq);
void follow_gone(struct request *rq);
