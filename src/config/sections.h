#pragma once

/** The kinds of sections, and which options each has. */

#include "options.h"

/** A kind of section: the beginning of its name, and its options. */
struct section_kind {
	const char *name; /* "program:" with a name to follow, or "supervisord" */
	bool named;	  /* [name:x] */
	bool ours;	  /* an unknown option is an error */
	bool any_option;  /* it may have further options, for another program */
	const struct option_def *options[3]; /* NULL-terminated */
	const char *help;
};
extern const struct section_kind section_kinds[]; /* ends with a NULL name */

/** Returns the kind of "[program:web]", with *ret_rest "web", or NULL for a section without a name.
 * Returns NULL for an unknown section. */
const struct section_kind *section_kind(const char *section, const char **ret_rest);
/** Returns NULL if the kind has no such option. */
const struct option_def *option_find(const struct section_kind *kind, const char *name);
/** May this option of a section be given several times, each time with more of its lines? */
bool option_repeats(const char *section, const char *name);
