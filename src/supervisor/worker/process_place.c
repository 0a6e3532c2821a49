#include "worker/process_place.h"
#include "link/inheritance.h"
#include "worker/process_row.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *process_make_name(const char *group, const struct worker_config *config)
{
	char *text = NULL;

	if (strcmp(group, config->name) == 0) {
		return strdup(config->name);
	}
	return asprintf(&text, "%s:%s", group, config->name) < 0 ? NULL : text;
}

/* Two names that only differ behind what an entry holds would be one worker. */
_Static_assert(LEDGER_NAME_MAX > 2 * CONFIG_NAME_MAX + 1, "names fit into the ledger");

int process_take_place(struct process *p, struct diag *diag)
{
	struct supervisor *sup = p->sup;
	int index = inherited_row(sup, LEDGER_TABLE_WORKER, p->namespec);

	/* Relays know a worker by its row. */
	if (index < 0 ||
	    ledger_take_at(sup->ledger, LEDGER_TABLE_WORKER, p->namespec, (unsigned)index) < 0) {
		index = ledger_take(sup->ledger, LEDGER_TABLE_WORKER, p->namespec);
	}
	if (index < 0) {
		return diag_set(diag, index,
				"%s: there are %d workers already, no more are possible",
				p->namespec, LEDGER_WORKERS);
	}
	while (sup->processes.len <= (size_t)index) {
		if (vec_push(&sup->processes, NULL) < 0) {
			ledger_drop(sup->ledger, LEDGER_TABLE_WORKER, (unsigned)index);
			return diag_set_errno(diag, -ENOMEM, "%s", p->namespec);
		}
	}
	sup->processes.at[index] = p;
	worker_init(&p->worker, (uint32_t)index);
	process_row_name_logs(p);
	process_commit(p);
	return 0;
}

void process_set_config(struct process *p, const struct worker_config *config,
			struct config *origin)
{
	p->config = config;
	p->origin = origin;
	p->next_config = NULL;
	p->next_origin = NULL;
	p->pending = false;
	process_commit(p);
}
