/* The phases of a rolling restart: roll, settle. */

#include "roll_phases.h"

#include "deploy_phases.h"

void roll_enter(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_ROLL, plan);
}

/* Nothing can be started any more if slotd ends. */
void roll_given_up(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	if (ev->kind == DEPLOY_EV_ABORT && ev->code) {
		deploy_end(d, SWAP_EXIT_FAILED, ev->text, plan);
		return;
	}
	deploy_fail_by(d, SWAP_EXIT_FAILED, &(struct deploy_phase){SWAP_SETTLE, USEC_NEVER}, ev,
		       now, plan);
}

void settle_enter(struct deploy *d, const struct deploy_event *ev, struct plan *plan)
{
	(void)ev;
	deploy_add(d, PLAN_SETTLE, plan);
}

void settle_over(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	(void)now;
	deploy_end(d, d->code, ev->text, plan);
}

/* Who aborts it once more waits as well. */
void settle_aborted(struct deploy *d, const struct deploy_event *ev, usec_t now, struct plan *plan)
{
	if (ev->code) {
		settle_over(d, ev, now, plan);
	}
}
