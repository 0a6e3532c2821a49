#include "canary.h"

#include "deploy_phases.h"

/* ---- canary: before the flip, a share of the connections ---- */

bool canary_is_needed(const struct deploy *d, const struct deploy_event *begin)
{
	return d->by_hand || (d->kind == SWAP_KIND_DEPLOY && begin->policy->n_canary);
}

static void list_step(struct deploy *d, uint16_t weight, usec_t limit)
{
	deploy_append(d, SWAP_CANARY, limit);
	d->weights[d->n - 1] = weight;
}

void canary_list(struct deploy *d, const struct deploy_event *begin)
{
	const struct swap_policy *policy = begin->policy;

	if (d->by_hand) {
		list_step(d, begin->share,
			  policy->canary_timeout ? policy->canary_timeout : USEC_NEVER);
		return;
	}
	for (unsigned i = 0; i < policy->n_canary; i++) {
		list_step(d, policy->canary[i].weight, policy->canary[i].time);
	}
}

static void give_share(struct deploy *d, uint16_t weight, struct plan *plan)
{
	struct plan_action *a = deploy_add(d, PLAN_SHARE, plan);

	a->arg = weight;
	a->from = !d->weight;
	d->weight = weight;
}

void canary_enter(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	if (!d->weight) {
		d->canary_began = d->phase_began;
	}
	give_share(d, d->weights[d->at], plan);
	deploy_add(d, PLAN_CHECKS, plan);
}

/* The step is over, and what verify finds is waited for; one made by hand waits for people only so
 * long. */
void canary_over(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	if (ev->code || d->by_hand) {
		deploy_abandon(d, ev, now, plan);
	} else if (!d->verifying) {
		deploy_next(d, ev, now, plan);
	}
}

void canary_crashed(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	if (++d->canary_crashes > d->canary_crashes_max) {
		deploy_abandon(d, ev, now, plan);
	}
}

/* The steps that are left are left out. */
void canary_promoted(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	while (d->at + 1 < d->n && d->phases[d->at + 1].step == SWAP_CANARY) {
		d->at++;
	}
	deploy_next(d, ev, now, plan);
}

/* Somebody looks after it: its time begins again. That of a step goes on. */
void canary_changed(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	if (!ev->share) {
		deploy_abandon(d, ev, now, plan);
		return;
	}
	d->weights[d->at] = d->share = ev->share;
	if (d->by_hand) {
		deploy_set_timer(d, usec_add(now, d->phases[d->at].limit), plan);
	}
	give_share(d, ev->share, plan);
}

/* ---- share: an A/B test ---- */

bool share_is_needed(const struct deploy *d, const struct deploy_event *begin)
{
	(void)begin;
	return d->stands;
}

void share_enter(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_STAND, plan)->arg = d->share;
	if (!d->share) {
		deploy_add(d, PLAN_RETIRE, plan)->arg = 1;
	}
	deploy_add(d, PLAN_CHECKS, plan);
}
