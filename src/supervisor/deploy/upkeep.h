#pragma once

/**
 * What people ask for beside deploys: pause and resume, freeze and unfreeze. It survives a restart
 * of slotd, in the ledger; a freeze survives a reboot as well, in the state file.
 */

#include "deploy/request.h"

#include <slotd/ledger.h>

/** A part of a service: 0. */
int upkeep_init(struct service *s);
void upkeep_done(struct service *s);

/* Each returns 0, or a negative errno with the sentence. */
/** New connections wait until service_resume, at most for pause_timeout from now. */
int service_pause(struct supervisor *sup, const struct job_request *req, struct diag *diag);
int service_resume(struct supervisor *sup, const struct job_request *req, struct diag *diag);
/** Deploys and swaps are refused until service_unfreeze, and told req->arg. */
int service_freeze(struct supervisor *sup, const struct job_request *req, struct diag *diag);
int service_unfreeze(struct supervisor *sup, const struct job_request *req, struct diag *diag);

/** Is it frozen? -ECANCELED with by whom and why. A rollback, to what the other slot holds, may
 * begin all the same. */
int upkeep_may_begin(const struct service *s, enum swap_kind kind, struct diag *diag);
/** The same, and a rollback after a rollback would go forward again, to what was left: -EINVAL
 * unless forced. */
int upkeep_may_go_back(const struct service *s, bool force, struct diag *diag);
/** Has the deploy of the live slot said that there is no way back? -EINVAL with why, unless forced.
 */
int upkeep_has_way_back(const struct service *s, bool force, struct diag *diag);
/** A job of that kind has ended well. */
void upkeep_job_done(struct service *s, enum swap_kind kind);

/** Takes it from the row that service_write_ledger wrote. */
void upkeep_from_ledger(struct service *s, const struct ledger_duty *row);
/** It has been read from the state file. */
void upkeep_found(struct service *s);
