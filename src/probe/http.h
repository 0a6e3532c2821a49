#pragma once

/** A check by an HTTP request, by libcurl. */

#include "prober.h"

/** Sets libcurl up. Keeps p. Returns 0 or -ENOMEM. */
int http_init(struct http *h, struct prober *p);
/** To be called when all checks have ended. */
void http_done(struct http *h);
/** As tcp_begin. */
void http_begin(struct check *c);
/** As tcp_end. */
void http_end(struct check *c);
