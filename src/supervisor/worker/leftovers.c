#include "worker/leftovers.h"
#include "worker/groups.h"
#include "worker/names.h"

#include <slotd/cleanup.h>

#include <string.h>

enum {
	LAST_PRIORITY = 999,
};

/* What the configuration would say of it. Lives as long as slotd: a reload may still compare. */
struct leftover {
	struct leftover *next;
	struct program_config program;
	struct worker_config worker;
	struct group_config group;
	char names[]; /* "group" and "name", each with its NUL */
};

static struct leftover *make(const char *namespec, const struct ledger_worker *row)
{
	struct leftover *l = calloc(1, sizeof(*l) + 2 * (strlen(namespec) + 1));
	const char *colon = strchr(namespec, ':');
	size_t len = colon ? (size_t)(colon - namespec) : strlen(namespec);
	char *name;

	if (!l) {
		return NULL;
	}
	name = l->names + len + 1;
	memcpy(l->names, namespec, len);
	memcpy(name, colon ? colon + 1 : namespec,
	       strlen(colon ? colon + 1 : namespec)); /* zeroed: its NUL is there */
	l->program = (struct program_config){.name = name,
					     .group = l->names,
					     .priority = LAST_PRIORITY,
					     .numprocs = 1,
					     .policy = row->policy,
					     .user = {.uid = (uid_t)-1, .gid = (gid_t)-1},
					     .umask = (mode_t)-1,
					     .service = -1,
					     .exclusive = row->run.exclusive};
	l->worker = (struct worker_config){
		.name = name, .group = l->names, .program = &l->program, .command = name};
	l->group = (struct group_config){.name = l->names, .priority = LAST_PRIORITY};
	return l;
}

static int add(struct supervisor *sup, struct leftover *l, struct diag *diag, struct process **ret)
{
	struct group *g = group_find(sup, l->group.name);
	int r;

	if (!g) {
		r = group_add(sup, &l->group, sup->config, diag, &g);
		if (r < 0) {
			return r;
		}
		g->removed = true;
	}
	r = group_add_process(g, &l->worker, sup->config, diag, ret);
	if (r == 0) {
		(*ret)->removed = true;
	}
	return r;
}

int leftover_new(struct supervisor *sup, const char *namespec, const struct ledger_worker *row,
		 struct diag *diag, struct process **ret)
{
	struct leftover *l = make(namespec, row);

	if (!l) {
		return diag_set_errno(diag, -ENOMEM, "%s", namespec);
	}
	l->next = sup->leftovers;
	sup->leftovers = l;
	return add(sup, l, diag, ret);
}

void leftovers_done(struct supervisor *sup)
{
	while (sup->leftovers) {
		struct leftover *l = sup->leftovers;

		sup->leftovers = l->next;
		vec_done(&l->group.workers);
		free(l);
	}
}
