#pragma once

/** Options of programs. */

#include "options.h"

extern const struct option_def program_options[];
extern const struct option_def eventlistener_options[]; /* besides those of a program */
extern const struct option_def fcgi_options[];		/* besides those of a program */
