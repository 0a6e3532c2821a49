#pragma once

/** Services of a slotd that was killed: each goes on as its ledger and the switchboard say. */

#include "service/service.h"

/**
 * Which slot is live, how both stand, and what of a deploy is under way. False: there was none of
 * that name, or nobody knew; the state file decides.
 */
bool live_adopt(struct service *s);
/** What was under way goes on. Once helpers and workers are there. */
void services_resume(struct supervisor *sup);
