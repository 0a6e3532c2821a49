#pragma once

/** A check by an HTTP request, by libcurl. */

#include "prober.h"

/** Sets libcurl up. Keeps p. Returns 0 or -ENOMEM. */
int http_init(struct http *h, struct prober *p);
/** To be called when all checks have ended. */
void http_done(struct http *h);
/** Begins a check: as tcp_begin of tcp.h. */
void http_begin(struct check *c);
/** Ends it: as tcp_end of tcp.h. */
void http_end(struct check *c);
