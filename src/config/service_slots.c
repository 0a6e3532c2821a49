/* Which programs are in which slot, and at which address each worker is. */
#include "service_slots.h"

#include "endpoint.h"
#include "service_programs.h"
#include "unknown.h"

#include <slotd/cleanup.h>
#include <slotd/health.h>

enum {
	/* With the default worker= a process number below this is no port but a count: the program
	 * is a queue worker. */
	LEAST_PORT = 1024,
};

static const char *const slot_options[SLOT_MAX_] = {
	[SLOT_A] = "slot_a",
	[SLOT_B] = "slot_b",
};

/* ---- membership ---------------------------------------------------------------------------- */

static int claim(struct service_making *m, enum slot_id slot, struct program_config *p)
{
	const char *option = slot_options[slot];

	if (p->service >= 0) {
		const struct service_config *other = m->l->config->services.at[p->service];

		service_error(m, option,
			      "%s: program %s is in slot %s of service %s already; a program can "
			      "be in one slot only",
			      option, p->name, slot_name(p->slot), other->name);
		return 0;
	}
	if (p->kind != PROGRAM_PLAIN) {
		service_error(
			m, option,
			"%s: %s is not a [program:%s]; a slot can contain plain programs only",
			option, p->name, p->name);
		return 0;
	}
	p->service = m->index;
	p->slot = slot;
	return vec_push(&m->service->slots[slot].programs, p);
}

/* Is it among those of the slot, as written? */
static bool is_written(const struct service_making *m, enum slot_id slot, const char *name)
{
	const struct option *o = section_option(m->section, slot_options[slot]);
	const char *p = o ? o->value : "";

	while (*p) {
		size_t len = strcspn(p, ", \t\n");

		if (len == strlen(name) && strncmp(p, name, len) == 0) {
			return true;
		}
		p += len;
		p += strspn(p, ", \t\n");
	}
	return false;
}

/* What is in one slot already was not meant for another. */
static bool could_be_meant(const struct service_making *m, const char *name, int service)
{
	return service < 0 && !is_written(m, SLOT_A, name) && !is_written(m, SLOT_B, name);
}

static void unknown_name(struct service_making *m, enum slot_id slot, const char *name)
{
	struct config *c = m->l->config;
	VEC(const char *) names = {0};
	const char *near;

	vec_for_each (g, &c->groups) {
		int service = (*g)->programs.len ? (*g)->programs.at[0]->service : -1;

		if (could_be_meant(m, (*g)->name, service)) {
			(void)vec_push(&names, (*g)->name);
		}
	}
	vec_for_each (p, &c->programs) {
		if (could_be_meant(m, (*p)->name, (*p)->service)) {
			(void)vec_push(&names, (*p)->name);
		}
	}
	near = nearest_name(name, names.at, names.len);
	if (near) {
		service_error(m, slot_options[slot],
			      "%s: there is no program or group named %s; did you mean %s?",
			      slot_options[slot], name, near);
	} else {
		service_error(m, slot_options[slot],
			      "%s: there is no program or group named %s; add [program:%s]",
			      slot_options[slot], name, name);
	}
	vec_done(&names);
}

/* A program of several groups is several programs, of which none can be meant. */
static struct program_config *only_program(struct service_making *m, enum slot_id slot,
					   const char *name)
{
	struct program_config *found = NULL;

	vec_for_each (p, &m->l->config->programs) {
		if (strcmp((*p)->name, name) != 0) {
			continue;
		}
		if (found) {
			service_error(m, slot_options[slot],
				      "%s: program %s is in several groups; name one of the groups",
				      slot_options[slot], name);
			return NULL;
		}
		found = *p;
	}
	if (!found) {
		unknown_name(m, slot, name);
	}
	return found;
}

static int add_name(struct service_making *m, enum slot_id slot, const char *name)
{
	struct group_config *g = config_group(m->l->config, name);
	struct program_config *p;
	int r = 0;

	if (!g) {
		p = only_program(m, slot, name);
		return p ? claim(m, slot, p) : 0;
	}
	for (size_t i = 0; r == 0 && i < g->programs.len; i++) {
		r = claim(m, slot, g->programs.at[i]);
	}
	return r;
}

static int add_made_program(struct service_making *m, enum slot_id slot)
{
	struct service_slot_config *s = &m->service->slots[slot];
	const struct option *ports =
		section_option(m->section, slot == SLOT_A ? "ports_a" : "ports_b");
	char name[DOCUMENT_NAME_MAX + 8];
	struct program_config *p;

	(void)snprintf(name, sizeof(name), "%s-%s", m->service->name, slot_name(slot));
	p = config_program(m->l->config, name);
	s->name = arena_text(m->l->config->memory, name);
	s->ports = arena_text(m->l->config->memory, ports ? ports->value : "");
	if (!s->name || !s->ports) {
		return -ENOMEM;
	}
	/* missing, or another's: told by load_service_programs */
	return p && p->place.line == m->section->place.line ? claim(m, slot, p) : 0;
}

static int fill_slot(struct service_making *m, enum slot_id slot)
{
	const char *option = slot_options[slot];
	struct service_slot_config *s = &m->service->slots[slot];
	struct expansions names;
	char **list = NULL;
	int r = 0;

	service_names(m, slot, &names);
	if (service_makes_programs(m->section)) {
		r = add_made_program(m, slot);
	}
	if (r < 0) {
		return r;
	}
	r = loader_list(m->l, m->section, service_option(option), &names, &list);
	if (r == 0 && !s->name && !section_typo(m->section, "command")) {
		service_missing(m, option,
				"name the programs of this slot, or use command=, ports_a= and "
				"ports_b=");
	}
	if (r > 0 && list[0] && !s->name) {
		s->name = list[0];
	}
	for (r = r == -ENOMEM ? r : 0; r == 0 && list && *list; list++) {
		r = add_name(m, slot, *list);
	}
	return r;
}

/* ---- addresses ----------------------------------------------------------------------------- */

static bool is_listed(char *const *list, const char *name)
{
	for (; list && *list; list++) {
		if (strcmp(*list, name) == 0) {
			return true;
		}
	}
	return false;
}

static unsigned least_number(const struct program_config *p)
{
	unsigned least = UINT32_MAX;

	vec_for_each (w, &p->workers) {
		least = w->process_num < least ? w->process_num : least;
	}
	return least;
}

static bool is_queue_program(const struct service_making *m, const struct program_config *p,
			     char *const *queue)
{
	bool own_template = section_option(m->section, "worker") != NULL;
	bool made = service_makes_programs(m->section) && p->place.line == m->section->place.line &&
		    p->place.file == m->section->place.file;

	return is_listed(queue, p->name) ||
	       (!own_template && !made && least_number(p) < LEAST_PORT);
}

/* 0, -EINVAL told, -ENOMEM */
static int worker_address(struct service_making *m, enum slot_id slot, struct worker_config *w)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct expansions names, of_slot;
	struct diag diag = {0};
	int r;

	service_names(m, slot, &of_slot);
	names = (struct expansions){.parent = &of_slot};
	expansions_number(&names, "process_num", (int)w->process_num);
	expansions_number(&names, "port", (int)w->process_num);
	expansions_number(&names, "numprocs", w->program->numprocs);
	expansions_text(&names, "program_name", w->program->name);
	expansions_text(&names, "group_name", w->group);
	expansions_text(&names, "process_name", w->name);
	r = loader_text(m->l, m->section, service_option("worker"), &names, &text);
	if (r < 0) {
		return r;
	}
	r = endpoint_parse(strbuf_str(&text), m->l->config->memory, &w->address, &diag);
	if (r == -EINVAL) {
		service_error(
			m, "worker",
			"worker: %s, which would be the address of %s; make it fit numprocs_start "
			"of program %s, or name the program in queue= if it has no address",
			diag.text, w->name, w->program->name);
	}
	return r;
}

static int program_addresses(struct service_making *m, enum slot_id slot, struct program_config *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->workers.len; i++) {
		r = worker_address(m, slot, &p->workers.at[i]);
	}
	return r == -ENOMEM ? r : 0;
}

/* ---- checks -------------------------------------------------------------------------------- */

unsigned service_port_workers(const struct service_slot_config *s)
{
	unsigned n = 0;

	vec_for_each (p, &s->programs) {
		vec_for_each (w, &(*p)->workers) {
			n += w->address != NULL;
		}
	}
	return n;
}

/* Its mistakes have been told; that its workers are missing is none of its own. */
static bool is_broken(const struct service_slot_config *s)
{
	vec_for_each (p, &s->programs) {
		if ((*p)->numprocs > 0 && (*p)->workers.len < (size_t)(*p)->numprocs) {
			return true;
		}
	}
	return false;
}

static void check_slot(struct service_making *m, enum slot_id slot, bool told)
{
	const struct service_slot_config *s = &m->service->slots[slot];
	unsigned n = service_port_workers(s);

	if (told || is_broken(s)) {
		return; /* what is missing has been said */
	}
	if (s->programs.len == 0) {
		service_error(m, slot_options[slot], "%s: slot %s is empty; name a program",
			      slot_options[slot], slot_name(slot));
	} else if (n == 0) {
		service_error(
			m, slot_options[slot],
			"%s: no worker of slot %s has an address; set numprocs_start= of %s to "
			"its first port, or worker= to an address",
			slot_options[slot], slot_name(slot), s->programs.at[0]->name);
	} else if (n > GATE_WORKERS_MAX) {
		service_error(m, slot_options[slot], "%s: slot %s has %u workers; the limit is %d",
			      slot_options[slot], slot_name(slot), n, GATE_WORKERS_MAX);
	}
}

/* What has an address runs before the swap, in the idle slot, and all the time. */
static void check_unserved(struct service_making *m, enum slot_id slot)
{
	vec_for_each (p, &m->service->slots[slot].programs) {
		const struct program_config *program = *p;
		const char *option = program->exclusive ? "exclusive" : "schedule";

		if ((program->exclusive || program->schedule) && program->workers.len &&
		    program->workers.at[0].address) {
			service_error(
				m, slot_options[slot],
				"%s: program %s has %s= and an address: what clients are "
				"connected to runs all the time, before a swap in both slots; "
				"name it in queue=, or remove %s=",
				slot_options[slot], program->name, option, option);
		}
	}
}

static void check_queue(struct service_making *m, char *const *queue)
{
	for (; queue && *queue; queue++) {
		bool found = false;

		for (int slot = 0; slot < SLOT_MAX_; slot++) {
			vec_for_each (p, &m->service->slots[slot].programs) {
				found |= strcmp((*p)->name, *queue) == 0;
			}
		}
		if (!found) {
			service_error(m, "queue",
				      "queue: program %s is in neither slot_a= nor slot_b=; add it "
				      "to one of them",
				      *queue);
		}
	}
}

int service_slots(struct service_making *m)
{
	bool told[SLOT_MAX_] = {false};
	char **queue = NULL;
	int r = loader_list(m->l, m->section, service_option("queue"), &m->l->base, &queue);

	r = r == -ENOMEM ? r : 0;
	for (int slot = 0; r == 0 && slot < SLOT_MAX_; slot++) {
		unsigned errors = m->l->config->n_errors;

		r = fill_slot(m, slot);
		told[slot] = m->l->config->n_errors > errors ||
			     (!m->service->slots[slot].name &&
			      !section_option(m->section, slot_options[slot]));
	}
	check_queue(m, queue);
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		struct service_slot_config *s = &m->service->slots[slot];
		unsigned errors = m->l->config->n_errors;

		for (size_t i = 0; r == 0 && i < s->programs.len; i++) {
			if (!is_queue_program(m, s->programs.at[i], queue)) {
				r = program_addresses(m, slot, s->programs.at[i]);
			}
		}
		check_unserved(m, slot);
		check_slot(m, slot, told[slot] || m->l->config->n_errors > errors);
	}
	return r;
}
