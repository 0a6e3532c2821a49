#include "worker/names.h"
#include "worker/process.h"

#include <slotd/cleanup.h>

#include <string.h>

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
