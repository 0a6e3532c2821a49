#pragma once

/** Between the files of import-check. */

#include <slotd/config.h>

enum finding {
	FINDING_MISTAKE,
	FINDING_DIFFERENT,
	FINDING_TWICE,
	FINDING_NEW, /* nothing to do about it */
	FINDING_MAX_,
	FINDING_INVALID_ = -22,
};

struct import {
	struct config *config;
	enum finding finding; /* of the check that runs */
	unsigned n[FINDING_MAX_];
};

/** Prints a finding, below the heading of its kind. */
void import_say(struct import *im, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Commands that belong to Supervisor or need it. */
void import_check_commands(struct import *im);
/** Options of programs and of the daemon that mean a little more, or less, than they did. */
void import_check_options(struct import *im);
