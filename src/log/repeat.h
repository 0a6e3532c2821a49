#pragma once

/** When the same line comes again and again, a few are written and the others counted. Pure. */

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
 * @now         monotonic.
 * @ret_hidden  how many repeats of the line before were left out, which is to be written first.
 */
bool repeat_pass(struct repeat *r, int priority, const char *text, usec_t now,
		 unsigned *ret_hidden);
/** Returns when the number of repeats is to be written if no other line comes; USEC_NEVER if none
 * was left out. */
usec_t repeat_due(const struct repeat *r);
/** Forgets the line. Returns how many repeats were left out. */
unsigned repeat_flush(struct repeat *r);
