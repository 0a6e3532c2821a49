#include "metrics_page.h"

#include "exposition.h"
#include "metrics_table.h"

#include <slotd/cleanup.h>

#include <string.h>

enum {
	WORKERS_AT_ONCE = 64, /* in a piece */
};

void metrics_place_done(struct metrics_place *at)
{
	free(at->group);
	free(at->name);
	*at = (struct metrics_place){0};
}

static void next_metric(struct metrics_place *at)
{
	const size_t metric = at->metric;

	metrics_place_done(at);
	at->metric = metric + 1;
}

static bool may_read(const struct metrics_source *from, const char *service)
{
	return access_may(from->access, from->peer, ROLE_METRICS, service);
}

/* ---- processes: some at a time, by name, because the mirror may change meanwhile */

static int remember(struct metrics_place *at, const struct mirror_worker *w)
{
	char *group = strdup(w->group), *name = strdup(w->name);

	free(at->group);
	free(at->name);
	at->group = group;
	at->name = name;
	return group && name ? 0 : -ENOMEM;
}

static int some_processes(struct sampler *s, struct metrics_place *at)
{
	const struct metric *m = s->metric;
	const struct mirror *mirror = s->from->mirror;
	const struct mirror_worker *w = mirror_worker_after(mirror, at->group, at->name), *last = w;

	for (int i = 0; w && i < WORKERS_AT_ONCE; i++) {
		if (may_read(s->from, w->service) && (m->process || *w->address)) {
			(m->process ? m->process : m->worker)(s, w);
		}
		last = w;
		w = mirror_worker_after(mirror, w->group, w->name);
	}
	if (w) {
		return remember(at, last);
	}
	next_metric(at);
	return 0;
}

/* ---- services are few: at once */

static void all_services(struct sampler *s)
{
	vec_for_each (v, &s->from->mirror->services) {
		if (!may_read(s->from, (*v)->service)) {
			continue;
		}
		if (s->metric->service) {
			s->metric->service(s, *v);
		}
		for (int slot = 0; s->metric->slot && slot < SLOT_MAX_; slot++) {
			s->metric->slot(s, *v, (enum slot_id)slot);
		}
	}
}

int metrics_next(const struct metrics_source *from, struct metrics_place *at, struct strbuf *out)
{
	const struct metric *m = metric_at(at->metric);
	struct sampler s = {.from = from, .metric = m, .out = out};
	int r = 0;

	if (!m) {
		return 0;
	}
	if (!m->slotd && !m->process && !from->mirror->services.len) {
		next_metric(at); /* who has no services need not see what they could tell */
		return 1;
	}
	if (!at->begun) {
		exposition_family(out, m->name, m->type, m->help);
		at->begun = true;
	}
	if (m->process || m->worker) {
		r = some_processes(&s, at);
	} else {
		if (m->slotd) {
			m->slotd(&s);
		} else {
			all_services(&s);
		}
		next_metric(at);
	}
	return r < 0 ? r : out->error ? out->error : 1;
}
