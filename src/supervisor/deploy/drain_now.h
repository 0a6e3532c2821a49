#pragma once

/** slotctl drain --now. */

#include "deploy/request.h"

/** The connections that the old slot still has are closed at once. 0, or a negative errno with the
 * sentence. */
int service_drain_now(struct supervisor *sup, const struct job_request *req, struct diag *diag);
