#pragma once

/** A check by connecting, without blocking. */

#include "prober.h"

void tcp_init(struct check *c);
void tcp_begin(struct check *c);
void tcp_end(struct check *c);
