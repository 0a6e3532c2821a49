#pragma once

/** What the outcome of a check means, and its description for people. Pure. */

#include "request.h"

enum {
	VERDICT_BODY_MAX = 4096, /* bytes of an answer's body that are looked at */
	VERDICT_LINE_MAX = 160,	 /* bytes of its first line that are shown */
	VERDICT_TEXT_MAX = 1024,
};

enum outcome_kind {
	OUTCOME_CONNECTED,     /* PROBE_TCP: success */
	OUTCOME_ANSWERED,      /* status and body */
	OUTCOME_NOT_CONNECTED, /* error */
	OUTCOME_CONNECT_LATE,  /* not accepted within the timeout */
	OUTCOME_ANSWER_LATE,   /* connected, no status within the timeout */
	OUTCOME_BODY_LATE,     /* a status, but the answer did not end */
	OUTCOME_CLOSED,	       /* closed or reset without an answer; error 0 or the errno */
	OUTCOME_NOT_HTTP,
	OUTCOME_OTHER, /* text says */
	OUTCOME_MAX_,
	OUTCOME_INVALID_ = -22,
};

struct outcome {
	enum outcome_kind kind;
	int error; /* positive errno, 0: none */
	unsigned status;
	const char *body; /* its beginning, borrowed; any bytes */
	size_t body_len;
	const char *text; /* borrowed */
};

struct verdict {
	int code; /* enum probe_code; or a negative errno: the check could not be made */
	char text[VERDICT_TEXT_MAX]; /* one line, then perhaps the first line of the body */
};

/** Judges what the check met by what it asks for. Borrows both. */
void verdict_reach(const struct request *r, const struct outcome *o, struct verdict *ret);

/**
 * Finds the first line of a body that has any text: HTML tags, style and blank lines are left out,
 * bytes that cannot be printed become '?', blanks are joined. Returns buf, "" if there is no such
 * line.
 */
const char *verdict_first_line(const char *body, size_t len, char *buf, size_t size);

const char *outcome_name(enum outcome_kind kind);
