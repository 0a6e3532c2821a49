#include "reload/reload_groups.h"
#include "reload/reload.h"
#include "service/services.h"
#include "show/events.h"
#include "show/publish.h"
#include "worker/groups.h"
#include "worker/names.h"
#include "worker/process.h"
#include "worker/process_place.h"
#include "worker/process_row.h"
#include "worker/processes.h"
#include "worker/waits.h"

#include <string.h>

/*
 * Groups and processes at a reload: what differs from what runs, and how that is taken over. What
 * is unchanged keeps running and merely points into the new configuration.
 */

/* ---- what is different, seen from what runs */

/* NULL without memory. */
static const struct config_diff *diff_from(struct reload *r, const struct config *from)
{
	struct known_diff known = {.from = from};

	vec_for_each (d, &r->diffs) {
		if (d->from == from) {
			return &d->diff;
		}
	}
	if (config_diff(from, r->next, &known.diff) < 0) {
		return NULL;
	}
	if (vec_push(&r->diffs, known) < 0) {
		config_diff_done(&known.diff);
		return NULL;
	}
	return &r->diffs.at[r->diffs.len - 1].diff;
}

static bool listed(const struct config_diff *diff, const char *group, const char *worker,
		   enum change change)
{
	if (!worker) {
		vec_for_each (c, &diff->groups) {
			if (c->change == change && strcmp(c->group, group) == 0) {
				return true;
			}
		}
		return false;
	}
	vec_for_each (c, &diff->workers) {
		if (c->change == change && strcmp(c->group, group) == 0 &&
		    strcmp(c->worker, worker) == 0) {
			return true;
		}
	}
	return false;
}

/* Makes the diffs that change_processes looks into: nothing can fail there any more. */
static int compare_processes(struct reload *r, const struct group *g)
{
	vec_for_each (p, &g->processes) {
		if (!diff_from(r, (*p)->origin)) {
			return -ENOMEM;
		}
	}
	return 0;
}

/* Supervisor's reread: groups only, in its order. */
int reload_report_groups(struct reload *r)
{
	vec_for_each (g, &r->next->groups) {
		if (!group_find(r->sup, (*g)->name)) {
			reload_item(r, RELOAD_ITEM_ADDED, (*g)->name, NULL, NULL);
		}
	}
	vec_for_each (g, &r->sup->groups) {
		const struct config_diff *diff = diff_from(r, (*g)->origin);

		if (!diff || compare_processes(r, *g) < 0) {
			return -ENOMEM;
		}
		if ((*g)->removed) {
			continue;
		}
		if (!config_group(r->next, (*g)->name)) {
			reload_item(r, RELOAD_ITEM_REMOVED, (*g)->name, NULL, NULL);
		} else if (listed(diff, (*g)->name, NULL, CHANGE_DIFFERENT)) {
			reload_item(r, RELOAD_ITEM_CHANGED, (*g)->name, NULL, NULL);
		}
	}
	return 0;
}

void reload_forget_diffs(struct reload *r)
{
	vec_for_each (d, &r->diffs) {
		config_diff_done(&d->diff);
	}
	vec_done(&r->diffs);
}

/* ---- applying it */

static struct worker_config *find_worker(const struct group_config *g, const char *name)
{
	vec_for_each (w, &g->workers) {
		if (strcmp((*w)->name, name) == 0) {
			return *w;
		}
	}
	return NULL;
}

static void remove_process(struct process *p)
{
	p->removed = true;
	p->restart = false;
	process_stop(p);
}

/*
 * A worker that clients are connected to (its slot is live, or still drains) goes on with what it
 * has until its next start: a deploy, or a restart by hand.
 */
static void change_process(struct reload *r, struct process *p, const struct worker_config *config)
{
	if (process_ended(p)) {
		process_set_config(p, config, r->next);
		return;
	}
	p->next_config = config;
	p->next_origin = r->next;
	if (service_serves(p)) {
		p->pending = true;
	} else if (p->config->program->schedule && config->program->schedule) {
		p->pending = true; /* a run ends as it began; the next one has it */
	} else if (p->worker.state != WORKER_STOPPING) { /* who is asked to stop stays stopped */
		reload_item(r, RELOAD_ITEM_RESTARTED, p->group->name, p->config->name, NULL);
		p->restart = true;
		process_stop(p);
	}
}

/* What differs is judged by what the worker runs with, which may be older than the group's. */
static void change_processes(struct reload *r, struct group *g, const struct group_config *config)
{
	for (size_t i = 0; i < g->processes.len; i++) {
		struct process *p = g->processes.at[i];
		const struct worker_config *w = find_worker(config, p->config->name);

		if (!w) {
			remove_process(p);
			continue;
		}
		p->restart = p->restart || p->removed;
		if (p->removed ||
		    listed(diff_from(r, p->origin), g->name, w->name, CHANGE_DIFFERENT)) {
			p->removed = false;
			change_process(r, p, w);
		} else {
			process_set_config(p, w, r->next);
		}
		process_commit(p);
		publish_process(p);
	}
}

/* Its place among the group's processes; their number when there is none. */
static size_t place_of(const struct group *g, const char *name)
{
	size_t i = 0;

	while (i < g->processes.len && strcmp(g->processes.at[i]->config->name, name) != 0) {
		i++;
	}
	return i;
}

static void add_processes(struct reload *r, struct group *g, const struct group_config *config)
{
	struct diag diag = {0};
	struct process *p;

	vec_for_each (w, &config->workers) {
		if (place_of(g, (*w)->name) < g->processes.len) {
			continue;
		}
		if (group_add_process(g, *w, r->next, &diag, &p) < 0) {
			(void)log_diag(LOG_ERR, -ENOMEM, &diag);
			continue;
		}
		process_start_after(p, WAITS_FOR_REMOVED);
	}
}

/* The order in which they start: the configuration's; what is removed comes last. */
static void order_processes(struct group *g)
{
	size_t at = 0;

	vec_for_each (w, &g->config->workers) {
		size_t from = place_of(g, (*w)->name);

		if (from < g->processes.len) {
			struct process *p = g->processes.at[from];

			memmove(&g->processes.at[at + 1], &g->processes.at[at],
				(from - at) * sizeof(struct process *));
			g->processes.at[at++] = p;
		}
	}
}

static void change_group(struct reload *r, struct group *g, const struct group_config *config)
{
	g->removed = false;
	change_processes(r, g, config);
	g->config = config;
	g->origin = r->next;
	g->priority = config->priority;
	events_group_changed(g);
	add_processes(r, g, config);
	order_processes(g);
	publish_group(g);
}

void reload_apply_groups(struct reload *r)
{
	struct supervisor *sup = r->sup;
	struct diag diag = {0};
	struct group *added;

	for (size_t i = 0; i < sup->groups.len; i++) {
		struct group *g = sup->groups.at[i];
		const struct group_config *config = config_group(r->next, g->name);

		if (config) {
			change_group(r, g, config);
			continue;
		}
		g->removed = true;
		vec_for_each (p, &g->processes) {
			remove_process(*p);
		}
	}
	groups_sort(sup);
	vec_for_each (g, &r->next->groups) {
		if (group_find(sup, (*g)->name)) {
			continue;
		}
		if (group_add(sup, *g, r->next, &diag, &added) < 0) {
			(void)log_diag(LOG_ERR, -ENOMEM, &diag);
		} else {
			vec_for_each (p, &added->processes) {
				process_start_after(*p, WAITS_FOR_REMOVED);
			}
		}
	}
}
