#include "deploy/drain_now.h"
#include "deploy/service_swap.h"

int service_drain_now(struct supervisor *sup, const struct job_request *req, struct diag *diag)
{
	struct service *s;
	enum slot_id idle;
	int r = request_service(sup, req, "drain --now", &s, diag);

	if (r < 0) {
		return r;
	}
	idle = slot_other(service_live(s));
	if (s->slots[idle].retire.state != RETIRE_DRAINING) {
		return diag_set(diag, -ENOENT, "%s: slot %s is not draining", s->name,
				slot_name(idle));
	}
	service_retire(s, idle, RETIRE_EV_NOW);
	return 0;
}
