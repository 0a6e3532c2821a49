#pragma once

/** A program while it is made: what the files that read the sections of programs share. */

#include "loader.h"

/** What to make a program from. */
struct program_spec {
	const struct section *section;
	const char *name, *group;
	enum program_kind kind;
	/* made by a [service:x] */
	const char *service;  /* NULL: made by no service */
	const unsigned *nums; /* process numbers: the ports */
	unsigned n_nums;
	enum slot_id slot;
};

struct program_making {
	struct loader *l;
	const struct program_spec *spec;
	struct program_config *program;
	struct expansions names; /* of the whole program */
};

/** Returns the place of an option: its own line, or that of its section. */
static inline struct config_place program_place(const struct program_making *m, const char *option)
{
	return loader_place(m->spec->section, option);
}
