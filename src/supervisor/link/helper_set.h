#pragma once

/** Which helpers there are, and how one takes the place of another. */

#include "link/helpers.h"

/** Starts spawn, keep, log, control and the relays, and probe if a check is configured. Returns 0
 * or -errno. */
int helpers_start(struct supervisor *sup, struct diag *diag);
/** Starts the relays if there are services, but no relays yet: a reload may add the first one. */
int helpers_want_relays(struct supervisor *sup);
/** Starts the program anew, which may be another by now, beside the helper, which goes on until
 * helper_succeed. Returns 0 or -ENOMEM. */
int helper_renew(struct helper *h);
/** h takes the place of the first of its kind, which is asked to end. */
void helper_succeed(struct helper *h);
/**
 * Starts another relay in the place of one that goes on: that one gets another index, and is not
 * started again when it ends. Returns 0 or -ENOMEM.
 */
int helper_replace(struct helper *h, unsigned new_index);
