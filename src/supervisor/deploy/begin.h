#pragma once

/** How a deploy, swap or rollback begins: with which event, and so with which phases. */

#include "service/service.h"

struct begin {
	enum swap_kind kind; /* which phases it has */
	bool warm, draining, until_gate;
	bool unnamed;	/* nobody has said which release it is */
	uint16_t share; /* of a canary that people look after, or of an A/B test */
	bool stands;	/* it is that of an A/B test */
	bool keeps;	/* there is an A/B test, which goes on if this fails */
};

/** Returns the event with which it begins. Its policy is borrowed from the service. */
struct deploy_event service_begin_event(const struct service *s, const struct begin *b);
/** Lists the phases that it would have. Nothing is begun. */
void service_phases(const struct service *s, const struct begin *b, struct deploy *ret);
