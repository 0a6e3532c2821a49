#pragma once

/** GET /metrics, for Prometheus. The functions of its route (http.h). */

#include "http.h"

void metrics_run(struct request *rq);
void metrics_gone(struct request *rq);
