#include "deploy/bake.h"
#include "deploy/service_swap.h"
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
