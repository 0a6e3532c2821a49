#pragma once

/** A program, from whichever section. */

#include "program_making.h"

/** Makes a program with its workers and adds it to the config; *ret is NULL if it cannot be used.
 */
int load_program(struct loader *l, const struct program_spec *spec, struct program_config **ret);
