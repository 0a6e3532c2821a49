#pragma once

/** schedule= of a program. */

#include "program_making.h"

/** Checks schedule= and reads its time zone. Returns 0 or -ENOMEM. */
int program_check_schedule(struct program_making *m);
