#pragma once

/** Jobs of a former slotd: whoever attaches to one is told what became of it. */

#include "supervisor.h"

/** At the start, after the records. Always 0: what is not known is not shown. */
int job_history_load(struct supervisor *sup, struct diag *diag);
