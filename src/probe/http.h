#pragma once

/** A check by an HTTP request, by libcurl. */

#include "prober.h"

int http_init(struct http *h, struct prober *p);
void http_done(struct http *h);
void http_begin(struct check *c);
void http_end(struct check *c);
