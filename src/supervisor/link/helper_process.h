#pragma once

/** One helper process, for helper_set.c. */

#include "link/helpers.h"

/** Before the name of one whose place another has taken. */
#define HELPER_RETIRING "retiring "

/** Are the programs there, beside slotd or where they are installed? 0 or -errno with a sentence.
 */
int helpers_find_programs(struct supervisor *sup, struct diag *diag);
/** Adds one that is not started yet, at the end of sup->helpers. Returns 0 or -ENOMEM. */
int helper_add(struct supervisor *sup, enum helper_kind kind, unsigned index, bool wanted);
/** Goes on with the one that a former slotd left, or starts it. */
void helper_begin(struct helper *h);
/** False: a former slotd has left none. */
bool helper_adopt(struct helper *h);
/** Starts the process; if that fails, tries again later. */
void helper_start(struct helper *h);
/** Asks it to end, and does not want it any more. */
void helper_quit(struct helper *h);
/** Tells slotd-keep of the process and its channel, or that there is none. */
void helper_keep(struct helper *h);
