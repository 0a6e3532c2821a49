#pragma once

/** What [eventlistener:x] and [fcgi-program:x] have beside the options of a program. */

#include "program_making.h"

/** Reads the options of event listeners. Returns 0 or -ENOMEM. */
int program_check_listener(struct program_making *m);
/** Reads the options of fcgi-programs. Returns 0 or -ENOMEM. */
int program_check_fcgi(struct program_making *m);
