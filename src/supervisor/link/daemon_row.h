#pragma once

/** The ledger's row of slotd itself. */

struct supervisor;

/** Writes the state of slotd as a whole to the ledger. */
void supervisor_commit(struct supervisor *sup);
