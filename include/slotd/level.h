#pragma once

/** The levels of slotd's log, by Supervisor's names and some of ours. */

#include <stdbool.h>
#include <stddef.h>

struct level_word {
	const char *name;
	int priority; /* syslog's */
	bool spoken;  /* for slotctl log-level only: Supervisor's loglevel= has no such word */
};
extern const struct level_word level_words[];
extern const size_t n_level_words;

/** In upper or lower case; NULL when there is none. */
const struct level_word *level_find(const char *name);
