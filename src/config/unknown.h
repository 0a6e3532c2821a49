#pragma once

/** Sections and options that nobody knows, and what was meant by them. */

#include "loader.h"

/** Returns the unknown option of the section that is nearest to this one; NULL if there is none. */
const struct option *section_typo(const struct section *s, const char *option);
/** Adds the error that a required option is missing, at the place of a misspelled one, if any. */
void loader_missing(struct loader *l, const struct section *s, const char *option,
		    const char *sentence);
/** Adds messages about unknown sections and options. */
int load_unknown(struct loader *l);
