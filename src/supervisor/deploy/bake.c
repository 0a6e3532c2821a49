#include "deploy/bake.h"
#include "service/gate_report.h"
#include "service/handoff_ops.h"
#include "service/observers.h"
#include "service/place.h"
#include "service/slots.h"
#include "worker/process.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

void bake_over(struct service *s)
{
	char text[PLAN_TEXT_MAX];
	struct handoff_load load;

	if (!slot_is_warm(s, service_live(s))) {
		service_step(s, DEPLOY_EV_TIMER, -EIO, gate_report(s, text, sizeof(text)));
		return;
	}
	s->sup->handoff->load(s, service_live(s), &load);
	(void)snprintf(text, sizeof(text), "%" PRIu64 " conn, %" PRIu64 " failed",
		       handoff_since(load.placed, s->before_bake.conns),
		       handoff_since(load.failed, s->before_bake.failed));
	service_step(s, DEPLOY_EV_TIMER, 0, text);
}

/* One that was started after the flip, or as a canary, has crashed, which counts as that: it may
 * take its time. */
static bool fails_checks(const struct service *s, const struct process *p, usec_t since)
{
	return p->config->address && p->worker.state == WORKER_RUNNING && !p->health.healthy &&
	       p->health.bad >= s->gate_policy.fall && p->worker.started < since;
}

void bake_judged(struct service *s)
{
	const bool canary = s->swap.step == SWAP_CANARY;
	const usec_t since = canary ? s->swap.canary_began : s->flipped_at;
	struct slot_count count;
	char text[PLAN_TEXT_MAX];
	struct process *p;
	size_t pos = 0;

	if (s->swap.step != SWAP_BAKE && !canary) {
		return;
	}
	slot_count(s, s->swap.target, &count);
	while ((p = service_next(s, s->swap.target, &pos))) {
		count.lost += fails_checks(s, p, since);
	}
	if (slot_judge(s, &count, count.healthy) == GATE_HOPELESS) {
		service_step(s, DEPLOY_EV_FAILING, -EIO, gate_report(s, text, sizeof(text)));
	}
}

static bool has_crashed(const struct process *p, enum worker_state from)
{
	enum worker_state state = p->worker.state;

	if (from != WORKER_STARTING && from != WORKER_RUNNING) {
		return false;
	}
	return state == WORKER_BACKOFF || state == WORKER_FATAL ||
	       (state == WORKER_EXITED && !p->worker.exit_expected);
}

static void crashed(struct service *s, struct process *p)
{
	char text[PLAN_TEXT_MAX], status[64];

	if (p->worker.state == WORKER_EXITED || p->worker.exited_early) {
		(void)snprintf(text, sizeof(text), "%s crashed: %s", p->config->name,
			       worker_status_text(p->worker.exit, status, sizeof(status)));
	} else {
		(void)snprintf(text, sizeof(text), "%s cannot be started again: %s",
			       p->config->name, p->worker.spawnerr);
	}
	s->culprit = p;
	service_step(s, DEPLOY_EV_CRASHED, -EIO, text);
}

void bake_process_entered(struct process *p, const struct plan_action *a)
{
	struct service *s = p->service;

	if (!s || (s->swap.step != SWAP_BAKE && s->swap.step != SWAP_CANARY) ||
	    p->slot != s->swap.target) {
		return;
	}
	if (has_crashed(p, (enum worker_state)a->from)) {
		crashed(s, p);
	}
	bake_judged(s); /* one that is FATAL has no checks any more */
}
