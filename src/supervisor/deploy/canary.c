#include "deploy/canary.h"
#include "deploy/job.h"
#include "deploy/records.h"
#include "service/gate_report.h"
#include "service/handoff_ops.h"
#include "service/observers.h"
#include "service/place.h"
#include "service/services.h"
#include "service/slots.h"

#include <slotd/cleanup.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Only while a canary goes on: relays count in shared memory, and wake nobody up. */
#define LOOK MSECONDS(500)

/* ---- the watch ---- */

static void get_load(const struct service *s, struct handoff_load *ret)
{
	s->sup->handoff->load(s, s->swap.target, ret);
}

/* One with a limit is told of when that is over. NEVER also if it is old already: that was told. */
static usec_t old_at(const struct service *s)
{
	const struct deploy *d = &s->swap;
	const usec_t at = usec_add(d->canary_began, CANARY_OLD);

	return d->by_hand && d->phases[d->at].limit == USEC_NEVER && at > usec_monotonic()
		       ? at
		       : USEC_NEVER;
}

static void begin_watch(struct service *s)
{
	struct canary_watch *w = &s->canary;
	struct handoff_load load;

	get_load(s, &load);
	w->requests = w->step_requests = load.requests;
	w->bad = w->step_bad = load.bad;
	loop_timer_set(s->sup->loop, &w->timer,
		       s->config->canary.failures ? usec_add(usec_monotonic(), LOOK) : USEC_NEVER);
	loop_timer_set(s->sup->loop, &w->old, old_at(s));
}

/* Judged is what came since it was last judged, once that is enough: a canary that fails after an
 * hour that went well is found as soon. */
static bool fails(struct service *s, char *buf, size_t size)
{
	struct canary_watch *w = &s->canary;
	const uint16_t most = s->config->canary.failures;
	char share[SHARE_TEXT_MAX];
	struct handoff_load load;
	uint64_t n, bad;

	get_load(s, &load);
	n = handoff_since(load.requests, w->requests);
	bad = handoff_since(load.bad, w->bad);
	if (!most || n < s->config->canary_requests) {
		return false;
	}
	w->requests = load.requests;
	w->bad = load.bad;
	(void)snprintf(buf, size,
		       "%" PRIu64 " of its last %" PRIu64
		       " requests failed, more than canary_failures=%s",
		       bad, n, share_format(most, share));
	return bad * PLACEMENT_WHOLE > n * most;
}

static void on_look(struct loop_timer *t)
{
	struct service *s = container_of(t, struct service, canary.timer);
	char text[PLAN_TEXT_MAX];

	if (s->swap.step != SWAP_CANARY) {
		return;
	}
	loop_timer_set(s->sup->loop, t, usec_add(usec_monotonic(), LOOK));
	if (fails(s, text, sizeof(text))) {
		service_step(s, DEPLOY_EV_FAILING, -EIO, text);
	}
}

static void tell_old(struct service *s, usec_t so_long)
{
	char text[2 * PLAN_TEXT_MAX], about[PLAN_TEXT_MAX], slot[JOB_NAME_MAX + 8],
		share[SHARE_TEXT_MAX], span[USEC_TEXT_MAX];

	(void)snprintf(about, sizeof(about),
		       "%s has been a canary with %s of the new connections for %s, and nobody has "
		       "promoted or aborted it",
		       service_slot_text(s, s->swap.target, slot, sizeof(slot)),
		       share_format(s->swap.weight, share),
		       usec_format(so_long, span, sizeof(span)));
	service_say(s, LOG_WARNING, "%s", about);
	(void)snprintf(text, sizeof(text), "%s: %s", s->name, about);
	service_canary_old(s, text);
}

static void on_old(struct loop_timer *t)
{
	struct service *s = container_of(t, struct service, canary.old);

	if (s->swap.step == SWAP_CANARY) {
		tell_old(s, CANARY_OLD);
	}
}

static void describe_step(const struct service *s, char *buf, size_t size)
{
	const struct canary_watch *w = &s->canary;
	char share[SHARE_TEXT_MAX];
	struct handoff_load load;

	get_load(s, &load);
	(void)snprintf(buf, size, "%s: %" PRIu64 " requests, %" PRIu64 " failed",
		       share_format(s->swap.weight, share),
		       handoff_since(load.requests, w->step_requests),
		       handoff_since(load.bad, w->step_bad));
}

void canary_step_over(struct service *s)
{
	char text[PLAN_TEXT_MAX], span[USEC_TEXT_MAX];

	if (!slot_is_warm(s, s->swap.target)) {
		service_step(s, DEPLOY_EV_TIMER, -EIO, gate_report(s, text, sizeof(text)));
	} else if (fails(s, text, sizeof(text))) {
		service_step(s, DEPLOY_EV_TIMER, -EIO, text);
	} else if (s->swap.by_hand) {
		tell_old(s, s->swap.phases[s->swap.at].limit);
		(void)snprintf(text, sizeof(text),
			       "nobody promoted it within canary_timeout, which is %s",
			       usec_format(s->swap.phases[s->swap.at].limit, span, sizeof(span)));
		service_step(s, DEPLOY_EV_TIMER, 0, text);
	} else {
		describe_step(s, text, sizeof(text));
		service_step(s, DEPLOY_EV_TIMER, 0, text);
	}
}

/* ---- shares ---- */

void canary_share(struct service *s, const struct plan_action *a)
{
	if (a->from) {
		s->slots[a->slot].since = usec_wall();
	}
	service_settle(s);
	begin_watch(s);
}

void canary_stand(struct service *s, const struct plan_action *a)
{
	const bool begins = a->arg && !s->ab.weight;

	if (begins) {
		s->ab.since = s->slots[a->slot].since = usec_wall();
	}
	s->ab.weight = (uint16_t)a->arg;
	s->ab.slot = (enum slot_id)a->slot;
	if (s->job) {
		(void)snprintf(s->ab.who, sizeof(s->ab.who), "%s", s->job->who);
	}
	if (!a->arg) {
		s->ab = (struct ab_test){0};
	}
	service_mark_live(s);
	service_settle(s);
	service_write_ledger(s);
	records_write(s);
}

/* ---- as a part of a service ---- */

int canary_init(struct service *s)
{
	loop_timer_init(&s->canary.timer, on_look);
	loop_timer_init(&s->canary.old, on_old);
	return 0;
}

void canary_done(struct service *s)
{
	loop_timer_stop(s->sup->loop, &s->canary.timer);
	loop_timer_stop(s->sup->loop, &s->canary.old);
}
