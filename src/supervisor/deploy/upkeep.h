#pragma once

/**
 * What people ask for beside deploys, as far as deploys have to do with it: freeze and unfreeze,
 * and the last rollback. It survives a restart of slotd, in the ledger, and a reboot, in the state
 * file. Pauses and outages are in maintenance.h.
 */

#include "deploy/request.h"

#include <slotd/ledger.h>

/* Each returns 0, or a negative errno with the sentence. */
/** Deploys and swaps are refused until service_unfreeze, and told req->arg. */
int service_freeze(struct supervisor *sup, const struct job_request *req, struct diag *diag);
int service_unfreeze(struct supervisor *sup, const struct job_request *req, struct diag *diag);

/** Is it frozen? -ECANCELED with by whom and why. A rollback, to what the other slot holds, may
 * begin all the same. */
int upkeep_may_begin(const struct service *s, enum swap_kind kind, struct diag *diag);
/** Has the deploy of the live slot said that there is no way back? -EINVAL with why, unless forced.
 */
int upkeep_has_way_back(const struct service *s, bool force, struct diag *diag);
/** The same, and a rollback after a rollback would go forward again, to what was left: -EINVAL
 * unless forced. */
int upkeep_may_go_back(const struct service *s, bool force, struct diag *diag);
/** May such a job begin beside an A/B test? 0, or -EBUSY with the sentence. */
int ab_may_begin(const struct service *s, const struct job_request *req, struct diag *diag);
/** A job of that kind has ended well. */
void upkeep_job_done(struct service *s, enum swap_kind kind);

/** Writes a line of the history that is about no job: who froze, paused, took offline, and why. */
void upkeep_write_history(struct service *s, const char *kind, const char *who, const char *why);

/** Takes it from the row that service_write_ledger wrote. */
void upkeep_from_ledger(struct service *s, const struct ledger_duty *row);
/** It has been read from the state file. */
void upkeep_found(struct service *s);
