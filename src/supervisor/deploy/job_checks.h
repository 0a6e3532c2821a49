#pragma once

/** May a job begin? */

#include "deploy/begin.h"
#include "deploy/request.h"
#include "service/service.h"

/** Could it begin? 0, or why not: as job_begin (deploy/jobs.h), and -ECANCELED: frozen. Who asks is
 * not judged. */
int job_may_begin(struct service *s, const struct job_request *req, struct diag *diag);
/** With which phases it would begin now. */
struct begin job_begin_as(const struct service *s, const struct job_request *req);
/** A rollback ends the bake of the job before it, whose new slot it leaves, and what follows that.
 */
bool job_ends_bake(const struct service *s, enum swap_kind kind);
