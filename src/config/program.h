#pragma once

/** Between the files that read the sections of programs. */

#include "load.h"

struct program_making {
	struct loader *l;
	const struct program_spec *spec;
	struct program_config *program;
	struct expansions names; /* those of the whole program */
};

/** Points at the option's line, or the section's. */
struct config_place program_place(const struct program_making *m, const char *option);

/** What only event listeners have. 0 or -ENOMEM. */
int program_check_listener(struct program_making *m);
/** What only fcgi-programs have. */
int program_check_fcgi(struct program_making *m);
