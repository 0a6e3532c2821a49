/* Which programs form which groups, and in which order everything starts. */
#include "groups.h"

#include "messages.h"
#include "options_program.h"
#include "options_supervisord.h"
#include "program.h"
#include "sections.h"
#include "values.h"

#include <slotd/cleanup.h>

static int add_group(struct loader *l, const char *name, int priority, struct config_place place,
		     struct group_config **ret)
{
	struct group_config *g = arena_alloc(l->config->memory, sizeof(*g));

	if (!g) {
		return -ENOMEM;
	}
	g->name = arena_text(l->config->memory, name);
	g->priority = priority;
	g->place = place;
	if (!g->name || vec_push(&l->config->groups, g) < 0) {
		return -ENOMEM;
	}
	*ret = g;
	return 0;
}

int load_lone_group(struct loader *l, struct program_config *p, int priority)
{
	struct group_config *g;
	int r = add_group(l, p->name, priority, p->place, &g);

	if (r < 0) {
		return r;
	}
	return vec_push(&g->programs, p);
}

/* The name after the colon, without blanks around it. 1; 0 unusable, told; -ENOMEM. */
static int name_of(struct loader *l, const struct section *s, size_t prefix, const char **ret)
{
	const char *name = s->name + prefix + strspn(s->name + prefix, " \t");
	size_t len = strlen(name);
	struct diag diag;
	char *copy;

	while (len && (name[len - 1] == ' ' || name[len - 1] == '\t')) {
		len--;
	}
	copy = arena_text_n(l->config->memory, name, len);
	if (!copy) {
		return -ENOMEM;
	}
	if (value_check_name(copy, &diag) < 0) {
		config_error(l->config, s->place, "[%s] %s", s->name, diag.text);
		return 0;
	}
	if (!copy[0]) {
		config_error(l->config, s->place, "[%s] has no name; write [%sNAME]", s->name,
			     s->name);
		return 0;
	}
	*ret = copy;
	return 1;
}

/* ---- [group:x] ----------------------------------------------------------------------------- */

static const struct section *member_section(struct loader *l, const struct section *group,
					    const char *program, enum program_kind *ret_kind)
{
	char name[2 * DOCUMENT_NAME_MAX];
	const struct section *plain, *fcgi;

	(void)snprintf(name, sizeof(name), "program:%s", program);
	plain = document_section(&l->document, name);
	(void)snprintf(name, sizeof(name), "fcgi-program:%s", program);
	fcgi = document_section(&l->document, name);
	if (plain && fcgi) {
		config_error(l->config, loader_place(group, "programs"),
			     "[%s] name %s is ambiguous (exists as program and fcgi-program)",
			     group->name, program);
		return NULL;
	}
	*ret_kind = plain ? PROGRAM_PLAIN : PROGRAM_FCGI;
	return plain ? plain : fcgi;
}

static void unknown_member(struct loader *l, const struct section *group, const char *program)
{
	VEC(const char *) names = {0};
	const char *near;

	vec_for_each (s, &l->document.sections) {
		const char *rest;
		const struct section_kind *k = section_kind((*s)->name, &rest);

		if (k && rest &&
		    (k->options[0] == program_options || k->options[0] == fcgi_options)) {
			(void)vec_push(&names, rest);
		}
	}
	near = nearest_name(program, names.at, names.len);
	config_error(l->config, loader_place(group, "programs"),
		     "[%s] names unknown program or fcgi-program %s%s%s%s", group->name, program,
		     near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	vec_done(&names);
}

static int add_member(struct loader *l, const struct section *s, struct group_config *g,
		      const char *program, struct map *grouped)
{
	enum program_kind kind;
	const struct section *from = member_section(l, s, program, &kind);
	struct program_config *p;
	int r;

	if (!from) {
		unknown_member(l, s, program);
		return 0;
	}
	if (map_set(grouped, from->name, (void *)from) < 0) {
		return -ENOMEM;
	}
	r = load_program(l,
			 &(struct program_spec){.section = from,
						.name = program,
						.group = g->name,
						.kind = kind,
						.slot = SLOT_INVALID_},
			 &p);
	return r < 0 || !p ? r : vec_push(&g->programs, p);
}

static int load_group(struct loader *l, const struct section *s, struct map *grouped)
{
	struct expansions names = {.parent = &l->base};
	char **programs = NULL;
	struct group_config *g;
	const char *name;
	int r = name_of(l, s, strlen("group:"), &name);

	if (r <= 0) {
		return r;
	}
	r = add_group(l, name, 999, s->place, &g);
	if (r == 0) {
		r = loader_options(l, s, group_options, TARGET_SECTION, &names, g);
	}
	if (r == 0 && loader_list(l, s, &group_options[0], &names, &programs) == -ENOMEM) {
		r = -ENOMEM;
	}
	for (; r == 0 && programs && *programs; programs++) {
		r = add_member(l, s, g, *programs, grouped);
	}
	return r;
}

/* ---- programs of their own ----------------------------------------------------------------- */

static const struct {
	const char *prefix;
	enum program_kind kind;
} kinds[] = {
	{"program:", PROGRAM_PLAIN},
	{"eventlistener:", PROGRAM_EVENTLISTENER},
	{"fcgi-program:", PROGRAM_FCGI},
};

/* Listeners start first and stop last, but it is only their group that has this priority. */
static int group_priority(const struct section *s, const struct program_config *p)
{
	return p->kind == PROGRAM_EVENTLISTENER && !section_option(s, "priority") ? -1
										  : p->priority;
}

static int load_lone(struct loader *l, const struct section *s, const char *prefix,
		     enum program_kind kind)
{
	struct program_config *p;
	const char *name;
	int r = name_of(l, s, strlen(prefix), &name);

	if (r <= 0) {
		return r;
	}
	r = load_program(l,
			 &(struct program_spec){.section = s,
						.name = name,
						.group = name,
						.kind = kind,
						.slot = SLOT_INVALID_},
			 &p);
	return r < 0 || !p ? r : load_lone_group(l, p, group_priority(s, p));
}

int load_groups(struct loader *l)
{
	struct map grouped = {0};
	int r = 0;

	vec_for_each (s, &l->document.sections) {
		if (r == 0 && strncmp((*s)->name, "group:", strlen("group:")) == 0) {
			r = load_group(l, *s, &grouped);
		}
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++) {
		vec_for_each (s, &l->document.sections) {
			if (r == 0 &&
			    strncmp((*s)->name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0 &&
			    !map_get(&grouped, (*s)->name)) {
				r = load_lone(l, *s, kinds[i].prefix, kinds[i].kind);
			}
		}
	}
	map_done(&grouped);
	return r;
}

/* ---- order --------------------------------------------------------------------------------- */

static int compare_groups(const void *a, const void *b)
{
	const struct group_config *x = *(struct group_config *const *)a;
	const struct group_config *y = *(struct group_config *const *)b;

	if (x->priority != y->priority) {
		return x->priority < y->priority ? -1 : 1;
	}
	return strcmp(x->name, y->name);
}

static void drop_program(struct config *c, const struct program_config *p)
{
	for (size_t i = 0; i < c->programs.len; i++) {
		if (c->programs.at[i] == p) {
			vec_done(&c->programs.at[i]->workers);
			vec_remove(&c->programs, i);
			return;
		}
	}
}

/* Of two groups with one name Supervisor runs the first and says nothing of the other. */
static int drop_doubles(struct config *c)
{
	struct map seen = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->groups.len;) {
		struct group_config *g = c->groups.at[i];
		const struct group_config *first = map_get(&seen, g->name);

		if (!first) {
			r = map_set(&seen, g->name, g);
			i++;
			continue;
		}
		config_warning(
			c, g->place,
			"a second group named %s (the first is at %s:%u): this one is ignored; "
			"rename it",
			g->name, first->place.file, first->place.line);
		vec_for_each (p, &g->programs) {
			drop_program(c, *p);
		}
		vec_done(&g->programs);
		vec_remove(&c->groups, i);
	}
	map_done(&seen);
	return r;
}

/* By priority; of one priority in the order of the file, then by name. */
static int list_workers(struct config *c, struct group_config *g, struct map *names)
{
	int r = 0;

	vec_for_each (p, &g->programs) {
		vec_for_each (w, &(*p)->workers) {
			if (map_get(names, w->name)) {
				config_error(
					c, (*p)->place,
					"a second worker named %s in group %s; process_name= must "
					"differ",
					w->name, g->name);
			}
			r = map_set(names, w->name, w);
			r = r < 0 ? r : vec_push(&g->workers, w);
			if (r < 0) {
				return r;
			}
		}
	}
	for (size_t i = 1; i < g->workers.len; i++) {
		struct worker_config *w = g->workers.at[i];
		size_t at = i;

		while (at > 0 && g->workers.at[at - 1]->program->priority > w->program->priority) {
			g->workers.at[at] = g->workers.at[at - 1];
			at--;
		}
		g->workers.at[at] = w;
	}
	return r;
}

int load_finish_groups(struct loader *l)
{
	struct config *c = l->config;
	int r;

	if (c->groups.len == 0) {
		return 0;
	}
	qsort(c->groups.at, c->groups.len, sizeof(*c->groups.at), compare_groups);
	r = drop_doubles(c);
	for (size_t i = 0; r == 0 && i < c->groups.len; i++) {
		struct map names = {0};

		r = list_workers(c, c->groups.at[i], &names);
		map_done(&names);
	}
	return r;
}
