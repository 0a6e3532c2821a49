#include <slotd/deploy.h>
#include <slotd/retire.h>

static const char *const names[RETIRE_STATE_MAX_] = {
	[RETIRE_NONE] = "none", [RETIRE_DRAINING] = "draining", [RETIRE_CUTTING] = "cutting",
	[RETIRE_WARM] = "warm", [RETIRE_STOPPING] = "stopping",
};

const char *retire_state_name(enum retire_state s)
{
	return s >= 0 && s < RETIRE_STATE_MAX_ ? names[s] : "?";
}

void retire_init(struct retire *r, uint32_t service, enum slot_id slot)
{
	*r = (struct retire){
		.service = service,
		.slot = slot,
		.deadline = USEC_NEVER,
	};
}

static struct plan_action *add(struct retire *r, enum plan_kind kind, struct plan *plan)
{
	struct plan_action *a = plan_add(plan, kind, r->service);

	a->slot = (int)r->slot;
	return a;
}

static void set_state(struct retire *r, enum retire_state to, usec_t deadline, usec_t now,
		      struct plan *plan)
{
	r->state = to;
	r->since = now;
	if (deadline != r->deadline) {
		r->deadline = deadline;
		add(r, PLAN_TIMER, plan)->at = deadline;
	}
}

typedef void step_fn(struct retire *r, const struct swap_policy *policy, usec_t now,
		     struct plan *plan);

usec_t retire_keep(const struct swap_policy *policy)
{
	if (policy->drain_by_worker) {
		return 0;
	}
	return policy->bake > policy->idle_keep ? policy->bake : policy->idle_keep;
}

static void drain(struct retire *r, const struct swap_policy *policy, usec_t now, struct plan *plan)
{
	set_state(r, RETIRE_DRAINING, usec_add(now, policy->drain_timeout), now, plan);
	add(r, PLAN_DRAIN, plan);
	if (policy->drain_by_worker) {
		add(r, PLAN_SLOT_STOP, plan)->arg = 1;
	}
}

static void cut(struct retire *r, const struct swap_policy *policy, usec_t now, struct plan *plan)
{
	(void)policy;
	set_state(r, RETIRE_CUTTING, USEC_NEVER, now, plan);
	add(r, PLAN_CUT, plan);
}

static void cut_at_once(struct retire *r, const struct swap_policy *policy, usec_t now,
			struct plan *plan)
{
	(void)policy;
	set_state(r, RETIRE_CUTTING, USEC_NEVER, now, plan);
	add(r, PLAN_CUT, plan)->arg = 1;
}

static void stop(struct retire *r, const struct swap_policy *policy, usec_t now, struct plan *plan)
{
	(void)policy;
	set_state(r, RETIRE_STOPPING, USEC_NEVER, now, plan);
	add(r, PLAN_SLOT_STOP, plan);
}

static void discard(struct retire *r, const struct swap_policy *policy, usec_t now,
		    struct plan *plan)
{
	drain(r, policy, now, plan);
	r->discard = true;
}

static void keep_warm(struct retire *r, const struct swap_policy *policy, usec_t now,
		      struct plan *plan)
{
	usec_t keep = r->discard ? 0 : retire_keep(policy);

	if (keep) {
		set_state(r, RETIRE_WARM, usec_add(now, keep), now, plan);
	} else {
		stop(r, policy, now, plan);
	}
}

static void rest(struct retire *r, const struct swap_policy *policy, usec_t now, struct plan *plan)
{
	(void)policy;
	set_state(r, RETIRE_NONE, USEC_NEVER, now, plan);
	r->discard = false;
}

static step_fn *const steps[RETIRE_STATE_MAX_][RETIRE_EV_MAX_] = {
	[RETIRE_NONE] = {[RETIRE_EV_BEGIN] = drain, [RETIRE_EV_DISCARD] = discard},
	[RETIRE_DRAINING] = {[RETIRE_EV_DRAINED] = keep_warm,
			     [RETIRE_EV_NOW] = cut_at_once,
			     [RETIRE_EV_RECALL] = rest,
			     [RETIRE_EV_STOPPED] = rest,
			     [RETIRE_EV_TIMER] = cut},
	[RETIRE_CUTTING] = {[RETIRE_EV_CUT] = keep_warm,
			    [RETIRE_EV_NOW] = cut_at_once,
			    [RETIRE_EV_RECALL] = rest,
			    [RETIRE_EV_STOPPED] = rest},
	[RETIRE_WARM] =
		{[RETIRE_EV_RECALL] = rest, [RETIRE_EV_STOPPED] = rest, [RETIRE_EV_TIMER] = stop},
	[RETIRE_STOPPING] = {[RETIRE_EV_RECALL] = rest, [RETIRE_EV_STOPPED] = rest},
};

void retire_step(struct retire *r, const struct swap_policy *policy, const struct retire_event *ev,
		 usec_t now, struct plan *plan)
{
	step_fn *fn = steps[r->state][ev->kind];

	if (ev->kind == RETIRE_EV_TIMER) {
		if (r->deadline == USEC_NEVER || now < r->deadline) {
			return; /* overtaken by another event */
		}
		r->deadline = USEC_NEVER;
	}
	if (fn) {
		fn(r, policy, now, plan);
	}
}

void retire_resume(struct retire *r, const struct swap_policy *policy, usec_t now,
		   struct plan *plan)
{
	static const enum plan_kind acts[RETIRE_STATE_MAX_] = {
		[RETIRE_DRAINING] = PLAN_DRAIN,
		[RETIRE_CUTTING] = PLAN_CUT,
		[RETIRE_STOPPING] = PLAN_SLOT_STOP,
	};
	struct plan_action *a;

	if (r->deadline != USEC_NEVER) {
		add(r, PLAN_TIMER, plan)->at = r->deadline;
	}
	if (acts[r->state]) {
		a = add(r, acts[r->state], plan);
		a->arg = r->state == RETIRE_CUTTING &&
			 usec_sub(now, r->since) >= policy->drain_spread;
	}
	if (r->state == RETIRE_DRAINING && policy->drain_by_worker) {
		add(r, PLAN_SLOT_STOP, plan)->arg = 1;
	}
}
