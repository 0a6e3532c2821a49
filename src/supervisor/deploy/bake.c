#include "deploy/bake.h"
#include "deploy/service_swap.h"
#include "service/gate.h"
#include "service/place.h"
#include "service/slots.h"
#include "worker/process.h"

#include <stdio.h>

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
	service_fails(s, DEPLOY_EV_CRASHED, text);
}

/* One that was started after the flip has crashed, which counts as that: it may take its time. */
static bool fails_checks(const struct service *s, const struct process *p)
{
	return p->config->address && p->worker.state == WORKER_RUNNING && !p->health.healthy &&
	       p->health.bad >= s->gate_policy.fall && p->worker.started < s->flipped_at;
}

void service_swap_judged(struct service *s)
{
	struct slot_count count;
	char text[PLAN_TEXT_MAX];
	struct process *p;
	size_t pos = 0;

	if (s->swap.step != SWAP_BAKE) {
		return;
	}
	slot_count(s, service_live(s), &count);
	while ((p = service_next(s, service_live(s), &pos))) {
		count.lost += fails_checks(s, p);
	}
	if (slot_judge(s, &count, count.healthy) == GATE_HOPELESS) {
		service_fails(s, DEPLOY_EV_FAILING, gate_report(s, text, sizeof(text)));
	}
}

void bake_process_entered(struct process *p, const struct plan_action *a)
{
	struct service *s = p->service;

	if (!s || s->swap.step != SWAP_BAKE || p->slot != service_live(s)) {
		return;
	}
	if (has_crashed(p, (enum worker_state)a->from)) {
		crashed(s, p);
	}
	service_swap_judged(s); /* one that is FATAL has no checks any more */
}
