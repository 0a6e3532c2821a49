#include "deploy/begin.h"

struct deploy_event service_begin_event(const struct service *s, const struct begin *b)
{
	const enum slot_id target = slot_other(service_live(s));

	return (struct deploy_event){.kind = DEPLOY_EV_BEGIN,
				     .what = b->kind,
				     .policy = &s->policy,
				     .warm = b->warm,
				     .draining = b->draining,
				     .until_gate = b->until_gate,
				     .unnamed = b->unnamed,
				     .share = b->share,
				     .stands = b->stands,
				     .keeps = b->keeps,
				     .one_way = *s->slots[target].one_way != '\0',
				     .touched = s->slots[target].touched};
}

void service_phases(const struct service *s, const struct begin *b, struct deploy *ret)
{
	const struct deploy_event ev = service_begin_event(s, b);
	struct plan plan;

	plan_init(&plan);
	deploy_init(ret, s->index, service_live(s));
	deploy_step(ret, &ev, usec_monotonic(), &plan);
}
