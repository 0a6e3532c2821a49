#pragma once

/** The same line over and over: a few are written, the rest is counted. Pure. */

#include <slotd/usec.h>

#include <stdbool.h>

enum {
	REPEAT_SHOWN = 10, /* in a row, within REPEAT_SPAN */
	REPEAT_TEXT_MAX = 512,
};

#define REPEAT_SPAN SECONDS(60)

struct repeat {
	char text[REPEAT_TEXT_MAX];
	int priority;
	usec_t since; /* the first of this row */
	unsigned seen, hidden;
};

/**
 * Is this line to be written?
 *
 * @ret_hidden  so many of the line before were left out and are to be told first; 0: none.
 */
bool repeat_pass(struct repeat *r, int priority, const char *text, usec_t now,
		 unsigned *ret_hidden);
/** When what is hidden should be told although nothing else came; USEC_NEVER. */
usec_t repeat_due(const struct repeat *r);
/** Ends the row; returns how many were hidden. */
unsigned repeat_flush(struct repeat *r);
