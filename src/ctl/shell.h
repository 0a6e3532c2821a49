#pragma once

#include "session.h"

/** Status, then commands as they are typed or piped in, until quit, Ctrl-D or Ctrl-C. */
void shell_run(struct ctl *ctl);
