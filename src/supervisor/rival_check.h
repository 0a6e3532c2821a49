#pragma once

/** A supervisor of the same programs. */

#include "supervisor.h"

/** -EBUSY names the one that lives and what it shares with us: pid file, socket, file. */
int rivals_check(struct supervisor *sup, struct diag *diag);
