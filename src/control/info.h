#pragma once

/** getProcessInfo's members, in Supervisor's order, inside a struct that is open. */

#include "mirror.h"

/** @now  wall clock, microseconds. */
void encode_process_info(struct strbuf *out, const struct mirror_worker *w, uint64_t now);
