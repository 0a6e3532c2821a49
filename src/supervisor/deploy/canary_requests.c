#include "deploy/canary_requests.h"
#include "deploy/job.h"
#include "deploy/job_steps.h"
#include "deploy/jobs.h"
#include "deploy/service_swap.h"
#include "deploy/upkeep.h"
#include "service/observers.h"

#include <errno.h>
#include <stdio.h>

static int read_share(const struct job_request *req, struct job_request *ret, struct diag *diag)
{
	*ret = *req;
	ret->arg = NULL;
	if (!req->arg || !*req->arg) {
		return diag_set(diag, -EINVAL, "say which share of the connections, such as 10%%");
	}
	return share_parse(req->arg, &ret->share, diag);
}

static bool is_canary(const struct service *s)
{
	return s->job && s->swap.step == SWAP_CANARY;
}

static int give_share(struct service *s, const struct job_request *req, struct diag *diag)
{
	const int number = (int)s->job->number;
	char share[SHARE_TEXT_MAX];
	int r;

	if (!req->share) {
		r = job_abort(s->sup, req, diag);
		return r < 0 ? r : number;
	}
	service_say(s, LOG_INFO, "%s #%d: %s asks for a share of %s", swap_kind_name(s->job->kind),
		    number, req->who, share_format(req->share, share));
	service_set_share(s, req->share);
	return number;
}

int canary_change(struct supervisor *sup, const struct job_request *asked, struct diag *diag)
{
	struct job_request req;
	struct service *s;
	int r = request_service(sup, asked, "canary", &s, diag);

	r = r == 0 ? read_share(asked, &req, diag) : r;
	if (r < 0) {
		return r;
	}
	if (is_canary(s) && !request_has_release(&req)) {
		return give_share(s, &req, diag);
	}
	if (!req.share) {
		return diag_set(diag, -EINVAL, "%s has no canary that could be given up", s->name);
	}
	return job_begin(sup, &req, diag);
}

static int promote(struct service *s, const struct job_request *req, struct diag *diag)
{
	const int number = (int)s->job->number;
	char text[256];
	int r = upkeep_may_begin(s, SWAP_KIND_SWAP, diag);

	if (r < 0) {
		return r;
	}
	(void)snprintf(text, sizeof(text), "promoted by %s", req->who);
	service_feed(s, DEPLOY_EV_PROMOTE, 0, text);
	return number;
}

int canary_promote(struct supervisor *sup, const struct job_request *req, struct diag *diag)
{
	struct service *s;
	int r = request_service(sup, req, "promote", &s, diag);

	if (r < 0) {
		return r;
	}
	if (is_canary(s)) {
		return promote(s, req, diag);
	}
	if (!s->job && !s->ab.weight) {
		return diag_set(diag, -EINVAL,
				"%s has neither a canary nor an A/B test that could be promoted. "
				"To begin one: slotctl canary %s 10%%",
				s->name, s->name);
	}
	return job_begin(sup, req, diag);
}

int ab_change(struct supervisor *sup, const struct job_request *asked, struct diag *diag)
{
	struct job_request req;
	struct service *s;
	int r = request_service(sup, asked, "ab", &s, diag);

	r = r == 0 ? read_share(asked, &req, diag) : r;
	if (r < 0) {
		return r;
	}
	if (!s->job && !req.share && !s->ab.weight) {
		return diag_set(diag, -EINVAL, "%s has no A/B test that could be ended", s->name);
	}
	return job_begin(sup, &req, diag);
}

int canary_abort(struct supervisor *sup, const struct job_request *req, struct diag *diag)
{
	struct job_request end = *req;
	struct service *s;
	int r = request_service(sup, req, "abort", &s, diag);

	if (r < 0) {
		return r;
	}
	if (s->job || !s->ab.weight) {
		return job_abort(sup, req, diag);
	}
	end.kind = SWAP_KIND_AB;
	end.share = 0;
	r = job_begin(sup, &end, diag);
	return r < 0 ? r : 0;
}

/* ---- what came of it ---- */

/* A relay may be told of a share that is none, for want of healthy workers. */
void canary_shared(struct service *s)
{
	const enum slot_id idle = slot_other(service_live(s));
	char share[SHARE_TEXT_MAX], slot[JOB_NAME_MAX + 8];

	(void)share_format(s->told_share, share);
	(void)service_slot_text(s, idle, slot, sizeof(slot));
	service_say(s, LOG_NOTICE, "%s gets %s of the new connections", slot, share);
	if (s->job && s->swap.step == SWAP_CANARY) {
		job_line(s->job, "    canary   %s gets %s of the new connections", slot, share);
	}
	service_changed(s);
}
