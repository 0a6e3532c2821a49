#pragma once

/** The ledger's row of slotd itself. */

struct supervisor;

/** Puts what is known of slotd as a whole into the ledger. */
void supervisor_commit(struct supervisor *sup);
