#pragma once

/** What the files that read the sections of programs share. */

#include "load.h"

struct program_making {
	struct loader *l;
	const struct program_spec *spec;
	struct program_config *program;
	struct expansions names; /* of the whole program */
};

/** Returns the place of an option: its own line, or that of its section. */
struct config_place program_place(const struct program_making *m, const char *option);

/** Reads the options of event listeners. Returns 0 or -ENOMEM. */
int program_check_listener(struct program_making *m);
/** Checks schedule= and reads its time zone. Returns 0 or -ENOMEM. */
int program_check_schedule(struct program_making *m);
/** Reads the options of fcgi-programs. Returns 0 or -ENOMEM. */
int program_check_fcgi(struct program_making *m);
