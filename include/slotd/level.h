#pragma once

/** The levels of slotd's log: Supervisor's names, and some more. */

#include <stdbool.h>
#include <stddef.h>

struct level_word {
	const char *name;
	int priority; /* syslog's */
	bool spoken;  /* only slotctl log-level accepts it; Supervisor's loglevel= does not */
};
extern const struct level_word level_words[];
extern const size_t n_level_words;

/** Finds a level by its name, in any case; NULL if there is none. */
const struct level_word *level_find(const char *name);
