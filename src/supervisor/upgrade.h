#pragma once

/**
 * An upgrade in place: another slotd is executed in this process and takes over what this one has,
 * as from one that was killed. First it tells, in a child, whether it can. Its helpers are started
 * anew; a relay goes on beside the one that has its place until its last connection ends.
 */

#include "supervisor.h"

/** The option with which the other slotd tells whether it can; its stdin is the ledger. */
#define UPGRADE_TEST_OPTION "takeover-test"

/** What that option does first: is it the same file? Then says so; the exit status, else -1. */
int upgrade_is_same(const char *file);
/** What it does then. Takes config. Returns the exit status; why it cannot take over is printed. */
int upgrade_test(struct config *config);

int upgrade_init(struct supervisor *sup);
/**
 * Answers request when it is known that the other slotd can take over, and then executes it. The
 * same file is FAULT_UP_TO_DATE, unless force says that it shall be executed all the same.
 */
void upgrade_begin(struct supervisor *sup, uint32_t request, bool force);
/** The first acts of a slotd that was executed so; harmless for others. */
void upgrade_finish(struct supervisor *sup);
void upgrade_done(struct supervisor *sup);
