/* Which jobs may begin, and how they begin. */

#include "deploy/job_checks.h"
#include "deploy/jobs.h"
#include "deploy/roll.h"
#include "deploy/upkeep.h"
#include "service/place.h"
#include "service/slots.h"

#include <slotd/cleanup.h>

#include <errno.h>
#include <string.h>

bool job_ends_bake(const struct service *s, enum swap_kind kind)
{
	return kind == SWAP_KIND_ROLLBACK &&
	       (s->swap.step == SWAP_BAKE || s->swap.step == SWAP_AFTER_SWAP);
}

/* A rollback to a release that the other slot does not hold is a deploy of it, and so is a canary
 * or an A/B test that is asked for with a release. */
static enum swap_kind pipeline_of(const struct service *s, const struct job_request *req)
{
	const struct service_slot *other = &s->slots[slot_other(service_live(s))];

	switch (req->kind) {
	case SWAP_KIND_ROLLBACK:
		return request_has_release(req) &&
				       (!other->proven || strcmp(other->release, req->release) != 0)
			       ? SWAP_KIND_DEPLOY
			       : SWAP_KIND_ROLLBACK;
	case SWAP_KIND_CANARY:
	case SWAP_KIND_AB:
	case SWAP_KIND_PROMOTE:
		return request_has_release(req) ? SWAP_KIND_DEPLOY : SWAP_KIND_SWAP;
	default:
		return req->kind;
	}
}

static int check_release(const struct service *s, const struct job_request *req, struct diag *diag)
{
	const enum slot_id live = service_live(s);

	if (strcmp(s->slots[live].release, req->release) == 0) {
		return diag_set(diag, -EINVAL, "%s: %s is live", s->name, req->release);
	}
	if (pipeline_of(s, req) == SWAP_KIND_DEPLOY &&
	    !s->config->slots[live].hooks[HOOK_PREPARE]) {
		return diag_set(diag, -EINVAL,
				"%s: slot %s does not hold %s, and without prepare= nobody would "
				"bring it there",
				s->name, slot_name(slot_other(live)), req->release);
	}
	return 0;
}

static int check_rollback(const struct service *s, const struct job_request *req,
			  enum slot_id target, struct diag *diag)
{
	if (request_has_release(req)) {
		int r = check_release(s, req, diag);

		return r < 0 ? r : upkeep_has_way_back(s, req->force, diag);
	}
	if (!s->slots[target].proven) {
		return diag_set(diag, -EINVAL,
				"%s: there is nothing to roll back to: slot %s %s. When that slot "
				"is in order: slotctl deploy %s, or slotctl swap %s",
				s->name, slot_name(target),
				s->slots[target].touched
					? "contains a deploy that did not succeed"
					: "was never live with the release that it contains",
				s->name, s->name);
	}
	return upkeep_may_go_back(s, req->force, diag);
}

/* It takes something back, as an abort does. */
static bool ends_test(const struct job_request *req)
{
	return req->kind == SWAP_KIND_AB && !req->share;
}

/* What holds for one kind alone. */
static int check_kind(struct service *s, const struct job_request *req, struct diag *diag)
{
	const enum slot_id target = slot_other(service_live(s));
	struct slot_count count;
	int r;

	if (req->kind == SWAP_KIND_RESTART) {
		return roll_check(s, req, diag);
	}
	r = req->kind == SWAP_KIND_ROLLBACK ? check_rollback(s, req, target, diag) : 0;
	if (r < 0) {
		return r;
	}
	slot_count(s, target, &count);
	if (count.total == 0) {
		return diag_set(diag, -EINVAL,
				"slot %s of %s is empty: its program was removed; slotctl reload "
				"brings it back",
				slot_name(target), s->name);
	}
	return 0;
}

int job_may_begin(struct service *s, const struct job_request *req, struct diag *diag)
{
	char job[512], why[SERVICE_TEXT_MAX];
	int r;

	if (s->sup->mood != MOOD_RUNNING) {
		return diag_set(diag, -ESHUTDOWN, "slotd is shutting down");
	}
	if (s->down) {
		return diag_set(diag, -EINVAL, "%s is %s", s->name,
				service_trouble_text(s, TROUBLE_NOT_STARTED, why, sizeof(why)));
	}
	r = ends_test(req) ? 0 : upkeep_may_begin(s, pipeline_of(s, req), diag);
	r = r == 0 && !s->job ? ab_may_begin(s, req, diag) : r;
	if (r < 0) {
		return r;
	}
	if (s->job && !job_ends_bake(s, req->kind)) {
		return diag_set(diag, -EBUSY, "%s", job_describe(s->job, job, sizeof(job)));
	}
	if (req->release &&
	    (strlen(req->release) >= JOB_NAME_MAX || !request_is_plain(req->release))) {
		return diag_set(diag, -EINVAL,
				"the name of a release has at most %d characters, and no control "
				"characters",
				JOB_NAME_MAX - 1);
	}
	if (req->arg && *req->arg && strcmp(req->arg, "gate") != 0) {
		return diag_set(diag, -EINVAL, "a deploy ends at the gate or goes on to its end");
	}
	return check_kind(s, req, diag);
}

struct begin job_begin_as(const struct service *s, const struct job_request *req)
{
	const enum slot_id to = slot_other(service_live(s));
	const enum swap_kind kind = pipeline_of(s, req);

	struct begin begin = {.kind = kind,
			      .warm = kind != SWAP_KIND_DEPLOY && slot_is_warm(s, to) &&
				      !s->slots[to].touched,
			      .draining = slot_is_draining(s, to),
			      .until_gate = req->arg && *req->arg,
			      .unnamed = !request_has_release(req)};

	begin.share = req->share;
	begin.stands = req->kind == SWAP_KIND_AB;
	begin.keeps = s->ab.weight != 0;
	begin.warm = begin.warm || ends_test(req); /* who ends it starts nothing */
	return begin;
}
