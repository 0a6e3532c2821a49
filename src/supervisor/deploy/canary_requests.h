#pragma once

/** What people ask for of canaries and A/B tests. */

#include "deploy/request.h"
#include "service/service.h"

/**
 * Gives the other slot the share that req->arg says: of the canary that goes on, or of one that
 * begins. 0% gives the canary up.
 *
 * Returns: the number of its job (> 0), or as job_begin.
 */
int canary_change(struct supervisor *sup, const struct job_request *req, struct diag *diag);
/** The slot that is a canary, or in an A/B test, becomes live. Returns the number of the job, or as
 * job_begin. */
int canary_promote(struct supervisor *sup, const struct job_request *req, struct diag *diag);
/** Begins an A/B test, changes its share, or ends it (0%). Returns the number of the job, or as
 * job_begin. */
int ab_change(struct supervisor *sup, const struct job_request *req, struct diag *diag);
/** Ends the job that goes on before its flip; or an A/B test. Returns 0, or as job_begin. */
int canary_abort(struct supervisor *sup, const struct job_request *req, struct diag *diag);

/** As an observer of services: every relay knows the share. */
void canary_shared(struct service *s);
