#include "service/gate_report.h"
#include "service/service.h"
#include "service/vitals.h"
#include "worker/process.h"

#include <stdio.h>
#include <string.h>

/* What START, GATE or BAKE has found wrong, in words. */

/* A worker that says why it does not run is the better witness. */
static bool explains(const struct process *p)
{
	return p->worker.state != WORKER_RUNNING || (!p->health.healthy && *p->health_text);
}

/* The last start, or the one before that which is under way. */
static bool ended_early(const struct worker *w)
{
	return w->exit != -1 && (w->exited_early || (w->backoff > 0 && !*w->spawnerr));
}

void gate_explain(const struct process *p, char *buf, size_t size)
{
	const char *state = worker_state_info(p->worker.state)->name;
	char status[64], why[HEALTH_WORDS_MAX];

	if (p->worker.state == WORKER_RUNNING) {
		(void)snprintf(buf, size, "%s %s", p->config->name,
			       health_words(p, why, sizeof(why)));
	} else if (ended_early(&p->worker)) {
		(void)snprintf(buf, size, "%s is %s%s: it ended before startsecs, %s",
			       p->config->name, state, p->worker.exited_early ? "" : " again",
			       worker_status_text(p->worker.exit, status, sizeof(status)));
	} else {
		(void)snprintf(buf, size, "%s is %s%s%s", p->config->name, state,
			       *p->worker.spawnerr ? ": " : "", p->worker.spawnerr);
	}
}

/* "; 4 more like it" belongs to the sentence, not to the body's first line below it. */
static void add_to_sentence(char *buf, size_t size, unsigned others)
{
	size_t sentence = strcspn(buf, "\n");
	char more[32];
	size_t n = (size_t)snprintf(more, sizeof(more), "; %u more like it", others);

	if (sentence + n + 1 > size) {
		return;
	}
	memmove(buf + sentence + n, buf + sentence, size - sentence - n);
	buf[size - 1] = '\0';
	memcpy(buf + sentence, more, n);
}

const char *gate_report(struct service *s, char *buf, size_t size)
{
	struct process *p;
	size_t pos = 0;
	unsigned others = 0;

	s->culprit = NULL;
	(void)snprintf(buf, size, "not ready in time");
	while ((p = service_next(s, s->swap.target, &pos))) {
		if (!p->config->address ||
		    (p->worker.state == WORKER_RUNNING && p->health.healthy)) {
			continue;
		}
		if (!s->culprit || (explains(p) && !explains(s->culprit))) {
			s->culprit = p;
		}
		others++;
	}
	if (s->culprit) {
		gate_explain(s->culprit, buf, size);
	}
	if (others > 1) {
		add_to_sentence(buf, size, others - 1);
	}
	return buf;
}
