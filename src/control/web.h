#pragma once

/**
 * The web page with Supervisor's URLs: / and /index.html with ?action=..., /tail.html, /ok.html.
 * The functions of their routes (http.h).
 */

#include "http.h"

void web_run(struct request *rq);
void web_run_tail(struct request *rq);
void web_run_ok(struct request *rq);
void web_gone(struct request *rq);
