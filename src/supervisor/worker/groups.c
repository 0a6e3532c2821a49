#include "worker/groups.h"
#include "worker/observers.h"
#include "worker/process.h"
#include "worker/processes.h"
#include "worker/starts.h"

#include <slotd/cleanup.h>

#include <string.h>

static int by_priority_and_name(int priority_a, const char *name_a, int priority_b,
				const char *name_b)
{
	if (priority_a != priority_b) {
		return priority_a < priority_b ? -1 : 1;
	}
	return strcmp(name_a, name_b);
}

/* ---- adding and removing */

/* Keeps sup->groups in order. */
static int insert_group(struct supervisor *sup, struct group *g)
{
	size_t at = 0;
	int r = vec_push(&sup->groups, g);

	if (r < 0) {
		return r;
	}
	while (at < sup->groups.len - 1 &&
	       by_priority_and_name(sup->groups.at[at]->priority, sup->groups.at[at]->name,
				    g->priority, g->name) < 0) {
		at++;
	}
	memmove(&sup->groups.at[at + 1], &sup->groups.at[at],
		(sup->groups.len - 1 - at) * sizeof(struct group *));
	sup->groups.at[at] = g;
	return 0;
}

static int compare_groups(const void *a, const void *b)
{
	const struct group *left = *(struct group *const *)a, *right = *(struct group *const *)b;

	return by_priority_and_name(left->priority, left->name, right->priority, right->name);
}

void groups_sort(struct supervisor *sup)
{
	if (sup->groups.len) {
		qsort(sup->groups.at, sup->groups.len, sizeof(struct group *), compare_groups);
	}
}

static struct group *group_free(struct group *g)
{
	if (g) {
		vec_for_each (p, &g->processes) {
			process_free(*p);
		}
		vec_done(&g->processes);
		free(g->name);
		free(g);
	}
	return NULL;
}

static void group_freep(struct group **g)
{
	*g = group_free(*g);
}

void group_remove_process(struct process *p)
{
	struct group *g = p->group;

	for (size_t i = 0; i < g->processes.len; i++) {
		if (g->processes.at[i] == p) {
			vec_remove(&g->processes, i);
			break;
		}
	}
	process_free(p);
}

int group_add_process(struct group *g, const struct worker_config *config, struct config *origin,
		      struct diag *diag, struct process **ret)
{
	struct process *p;
	int r = process_new(g->sup, g, config, origin, diag, &p);

	if (r < 0) {
		return r;
	}
	r = vec_push(&g->processes, p);
	if (r < 0) {
		process_free(p);
		return diag_set_errno(diag, r, "%s", config->name);
	}
	r = process_added(p);
	if (r < 0) {
		group_remove_process(p);
		return diag_set_errno(diag, r, "%s", config->name);
	}
	*ret = p;
	return 0;
}

int group_add(struct supervisor *sup, const struct group_config *config, struct config *origin,
	      struct diag *diag, struct group **ret)
{
	CLEANUP(group_freep) struct group *g = calloc(1, sizeof(*g));
	struct process *p;
	int r;

	if (!g) {
		return diag_set_errno(diag, -ENOMEM, "%s", config->name);
	}
	g->sup = sup;
	g->config = config;
	g->origin = origin;
	g->priority = config->priority;
	g->name = strdup(config->name);
	if (!g->name) {
		return diag_set_errno(diag, -ENOMEM, "%s", config->name);
	}
	vec_for_each (w, &config->workers) {
		r = group_add_process(g, *w, origin, diag, &p);
		if (r < 0) {
			return r;
		}
	}
	r = insert_group(sup, g);
	if (r < 0) {
		return diag_set_errno(diag, r, "%s", config->name);
	}
	group_added(g);
	*ret = TAKE_PTR(g);
	return 0;
}

void group_remove(struct group *g)
{
	struct supervisor *sup = g->sup;

	for (size_t i = 0; i < sup->groups.len; i++) {
		if (sup->groups.at[i] == g) {
			vec_remove(&sup->groups, i);
			break;
		}
	}
	group_gone(g);
	group_free(g);
}

bool group_ended(const struct group *g)
{
	vec_for_each (p, &g->processes) {
		if (!process_ended(*p)) {
			return false;
		}
	}
	return true;
}

void group_autostart(struct group *g)
{
	vec_for_each (p, &g->processes) {
		if (!(*p)->known) {
			process_autostart(*p);
		}
	}
}
