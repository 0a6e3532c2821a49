#include "supervisor.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>

static int by_priority_and_name(int priority_a, const char *name_a, int priority_b,
				const char *name_b)
{
	if (priority_a != priority_b) {
		return priority_a < priority_b ? -1 : 1;
	}
	return strcmp(name_a, name_b);
}

struct group *group_find(struct supervisor *sup, const char *name)
{
	vec_for_each (g, &sup->groups) {
		if (strcmp((*g)->name, name) == 0) {
			return *g;
		}
	}
	return NULL;
}

static struct process *find_in(const struct group *g, const char *name)
{
	vec_for_each (p, &g->processes) {
		if (strcmp((*p)->config->name, name) == 0) {
			return *p;
		}
	}
	return NULL;
}

/* Split at the first colon, as Supervisor does; without one both names are the same. */
struct process *process_find(struct supervisor *sup, const char *namespec)
{
	const char *colon = strchr(namespec, ':');
	auto_free char *group = colon ? strndup(namespec, (size_t)(colon - namespec)) : NULL;
	const struct group *g;

	if (colon && !group) {
		return NULL;
	}
	g = group_find(sup, group ? group : namespec);
	return g ? find_in(g, colon ? colon + 1 : namespec) : NULL;
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
	publish_process(p);
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
	publish_group(g);
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
	publish_group_gone(sup, g->name);
	group_free(g);
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
		if ((*p)->config->program->autostart && !service_passes_by(*p)) {
			process_start(*p);
		}
	}
}

/* ---- what a name stands for */

void selection_done(struct selection *s)
{
	vec_done(&s->processes);
}

static int select_group(struct selection *s, const struct group *g)
{
	vec_for_each (p, &g->processes) {
		if (vec_push(&s->processes, *p) < 0) {
			return -ENOMEM;
		}
	}
	return 0;
}

static int select_all(struct supervisor *sup, struct selection *s)
{
	int r = 0;

	s->many = true;
	for (size_t i = 0; r == 0 && i < sup->groups.len; i++) {
		r = select_group(s, sup->groups.at[i]);
	}
	return r;
}

int selection_make(struct supervisor *sup, const char *name, struct selection *ret)
{
	const char *colon = strchr(name, ':');
	struct selection s = {0};
	int r = -ENOENT;

	if (strcmp(name, "all") == 0) {
		r = select_all(sup, &s);
	} else if (colon && (!colon[1] || strcmp(colon, ":*") == 0)) {
		auto_free char *group = strndup(name, (size_t)(colon - name));
		struct group *g = group ? group_find(sup, group) : NULL;

		s.many = true;
		r = g ? select_group(&s, g) : group ? -ENOENT : -ENOMEM;
	} else {
		struct process *p = process_find(sup, name);

		r = !p ? -ENOENT : vec_push(&s.processes, p);
	}
	if (r < 0) {
		selection_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}
