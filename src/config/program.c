/*
 * One program section into a program and its numbered workers.
 *
 * A program that stands in several groups is made once for each: %(group_name)s may tell them
 * apart.
 */
#include "program.h"

#include "environment.h"
#include "messages.h"
#include "options_program.h"
#include "program_kinds.h"
#include "program_schedule.h"
#include "sections.h"
#include "unknown.h"
#include "values.h"

#include <slotd/cleanup.h>

/* One worker's: number, and the variables of its own environment=. */
struct worker_names {
	struct expansions names;
	struct map environ;
};

static const struct option_def *own_option(const char *name)
{
	const char *rest;

	return option_find(section_kind("program:", &rest), name);
}

static const struct option_def *const extra_options[PROGRAM_KIND_MAX_] = {
	[PROGRAM_EVENTLISTENER] = eventlistener_options,
	[PROGRAM_FCGI] = fcgi_options,
};

static const char *const log_options[] = {"stdout_logfile", "stderr_logfile"};

/* ---- workers ------------------------------------------------------------------------------- */

static int own_environment(struct program_making *m, struct worker_names *names,
			   struct keyvalues *all, bool first)
{
	CLEANUP(keyvalues_done) struct keyvalues own = {0};
	int r = loader_environment(m->l, m->spec->section, own_option("environment"), &names->names,
				   first, &own);

	if (r <= 0) {
		return r;
	}
	vec_for_each (pair, &own.pairs) {
		char name[256];

		(void)snprintf(name, sizeof(name), "ENV_%s", pair->key);
		if (map_set(&names->environ, name, (void *)pair->value) < 0 ||
		    keyvalues_set(all, *pair) < 0) {
			return -ENOMEM;
		}
	}
	return 0;
}

/* [supervisord] environment= first, then the program's own. */
static int worker_environment(struct program_making *m, struct worker_names *names,
			      struct worker_config *w, bool first)
{
	CLEANUP(keyvalues_done) struct keyvalues all = {0};
	int r = 0;

	vec_for_each (pair, &m->l->environment.pairs) {
		r = r < 0 ? r : keyvalues_set(&all, *pair);
	}
	if (r == 0) {
		r = own_environment(m, names, &all, first);
	}
	if (r == -ENOMEM) {
		return r;
	}
	w->environment = keyvalues_environment(&all, m->l->config->memory);
	return w->environment ? 0 : -ENOMEM;
}

/* Supervisor expands log names twice, so files have %%%% where one % is meant. */
static int expand_log(struct program_making *m, struct worker_names *names, const char *option,
		      struct log_config *log)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct expansions here;
	int r;

	if (!log->path || !strchr(log->path, '%')) {
		return 0;
	}
	loader_here(m->l, m->spec->section, option, &names->names, &here);
	r = expand_again(log->path, &here, &text);
	if (r < 0) {
		return r == -ENOMEM ? r : 0;
	}
	log->path = arena_strbuf(m->l->config->memory, &text);
	return log->path ? 0 : -ENOMEM;
}

static int worker_name(struct program_making *m, struct worker_names *names,
		       struct worker_config *w)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int r;

	if (m->spec->service) {
		(void)strbuf_addf(&text, "%s_%u", m->program->name, w->process_num);
		r = 1;
	} else {
		r = loader_text(m->l, m->spec->section, own_option("process_name"), &names->names,
				&text);
	}
	if (r == -ENOMEM) {
		return r;
	}
	if (text.len > CONFIG_NAME_MAX) {
		config_error(m->l->config, program_place(m, "process_name"),
			     "[%s] process_name makes a name of %zu characters; the limit is %d",
			     m->spec->section->name, text.len, CONFIG_NAME_MAX);
	}
	w->name = arena_strbuf(m->l->config->memory, &text);
	return w->name ? 0 : -ENOMEM;
}

static int make_worker(struct program_making *m, struct worker_config *w, bool first)
{
	struct worker_names names = {.names = {.parent = &m->names}};
	int r;

	expansions_number(&names.names, "process_num", (int)w->process_num);
	expansions_number(&names.names, "numprocs", m->program->numprocs);
	if (m->spec->service) {
		expansions_number(&names.names, "port", w->process_num);
	}
	names.names.env = &names.environ;
	r = worker_environment(m, &names, w, first);
	if (r == 0) {
		r = worker_name(m, &names, w);
	}
	for (const struct option_def *def = program_options; r == 0 && def->name; def++) {
		if (def->target == TARGET_WORKER && def->type != OPT_ENVIRONMENT &&
		    loader_option(m->l, m->spec->section, def, &names.names, w) == -ENOMEM) {
			r = -ENOMEM;
		}
	}
	for (int i = 0; r == 0 && i < 2; i++) {
		r = expand_log(m, &names, log_options[i], &w->logs[i]);
	}
	map_done(&names.environ);
	return r;
}

static bool fits(struct program_making *m, int numprocs)
{
	if (numprocs > 0 && m->l->n_workers + (size_t)numprocs > LOAD_WORKERS_MAX) {
		config_error(m->l->config, program_place(m, "numprocs"),
			     "[%s] exceeds the limit of %d workers in all", m->spec->section->name,
			     LOAD_WORKERS_MAX);
		return false;
	}
	return true;
}

static int compare_workers(const void *a, const void *b)
{
	const struct worker_config *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Exactly as many as there will be: most programs have one. */
static int reserve_workers(struct program_config *p)
{
	if (p->numprocs > 0) {
		p->workers.at = calloc((size_t)p->numprocs, sizeof(*p->workers.at));
		p->workers.room = p->workers.at ? (size_t)p->numprocs : 0;
	}
	return p->numprocs <= 0 || p->workers.at ? 0 : -ENOMEM;
}

/* A mistake shows in the first worker, and would show in each. */
static int make_workers(struct program_making *m)
{
	struct program_config *p = m->program;
	unsigned errors = m->l->config->n_errors;
	int r;

	if (!fits(m, p->numprocs)) {
		return 0;
	}
	r = reserve_workers(p);
	for (int i = 0; r == 0 && i < p->numprocs; i++) {
		struct worker_config w = {
			.group = p->group,
			.program = p,
			.process_num = m->spec->nums ? m->spec->nums[i]
						     : (unsigned)(p->numprocs_start + i),
		};

		r = make_worker(m, &w, i == 0);
		if (r == 0) {
			r = vec_push(&p->workers, w);
		}
		m->l->n_workers++;
		if (m->l->config->n_errors > errors) {
			break;
		}
	}
	if (r == 0 && p->workers.len) {
		qsort(p->workers.at, p->workers.len, sizeof(*p->workers.at), compare_workers);
	}
	return r;
}

/* ---- what the options mean together -------------------------------------------------------- */

static void check_process_name(struct program_making *m)
{
	const struct option *o = section_option(m->spec->section, "process_name");
	const char *raw = o ? o->value : own_option("process_name")->def;
	struct diag diag;

	if (m->spec->service) {
		return;
	}
	if (value_check_name(raw, &diag) < 0) {
		config_error(m->l->config, program_place(m, "process_name"),
			     "[%s] process_name: %s", m->spec->section->name, diag.text);
	}
	if (m->program->numprocs > 1 && !strstr(raw, "%(process_num)")) {
		config_error(
			m->l->config, program_place(m, o ? "process_name" : "numprocs"),
			"[%s] %%(process_num) must be present within process_name when numprocs "
			"> 1; such as process_name=%%(program_name)s_%%(process_num)02d",
			m->spec->section->name);
	}
}

static void check_stop(struct program_making *m)
{
	struct worker_policy *policy = &m->program->policy;

	if (!section_option(m->spec->section, "killasgroup")) {
		policy->killasgroup = policy->stopasgroup;
	} else if (policy->stopasgroup && !policy->killasgroup) {
		config_error(m->l->config, program_place(m, "killasgroup"),
			     "[%s] Cannot set stopasgroup=true and killasgroup=false",
			     m->spec->section->name);
	}
}

static void check_exclusive(struct program_making *m)
{
	if (m->program->exclusive && m->program->numprocs > 1) {
		config_error(m->l->config, program_place(m, "exclusive"),
			     "[%s] exclusive=true and numprocs=%d: an exclusive program has one "
			     "worker; remove one of the lines",
			     m->spec->section->name, m->program->numprocs);
	}
}

static void check_logs(struct program_making *m)
{
	static const char *const streams[] = {"stdout", "stderr"};
	const struct worker_config *w = m->program->workers.at;
	const char *section = m->spec->section->name;
	char option[32];

	if (!m->program->workers.len) {
		return;
	}
	for (int i = 0; i < 2; i++) {
		const struct option *o;

		(void)snprintf(option, sizeof(option), "%s_logfile", streams[i]);
		o = section_option(m->spec->section, option);
		if (o && value_is_word(o->value, "syslog")) {
			config_warning(m->l->config, o->place,
				       "For [%s], %s=syslog but this is deprecated and will be "
				       "removed.  Use %s_syslog=true to enable syslog instead.",
				       section, option, streams[i]);
		}
		if (w->logs[i].kind == LOG_KIND_AUTO && w->logs[i].maxbytes == 0) {
			config_warning(
				m->l->config, program_place(m, option),
				"For [%s], AUTO logging used for %s without rollover, set "
				"maxbytes > 0 to avoid filling up filesystem unintentionally",
				section, option);
		}
	}
	if (m->program->redirect_stderr && w->logs[1].kind == LOG_KIND_FILE) {
		config_warning(
			m->l->config, program_place(m, "stderr_logfile"),
			"For [%s], redirect_stderr=true but stderr_logfile has also been set "
			"to a filename, the filename has been ignored",
			section);
	}
}

/* logfile=syslog is an old way to say *_syslog=true, which stands in the table after it. */
static void settle_logs(struct program_making *m)
{
	for (int i = 0; i < 2; i++) {
		const struct option *o = section_option(m->spec->section, log_options[i]);
		bool syslog = o && value_is_word(o->value, "syslog");

		vec_for_each (w, &m->program->workers) {
			w->logs[i].syslog |= syslog;
		}
	}
	vec_for_each (w, &m->program->workers) {
		if (m->program->redirect_stderr) {
			w->logs[1].kind = LOG_KIND_NONE;
			w->logs[1].path = NULL;
		}
	}
}

static void check_command(struct program_making *m)
{
	const struct section *s = m->spec->section;

	char text[DIAG_TEXT_MAX];

	if (!section_option(s, "command")) {
		(void)snprintf(
			text, sizeof(text),
			"program section %s does not specify a command; add command=", s->name);
		loader_missing(m->l, s, "command", text);
	}
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int own_options(struct program_making *m)
{
	const struct option_def *extra = extra_options[m->spec->kind];
	const struct section *s = m->spec->section;
	int r = loader_options(m->l, s, program_options, TARGET_SECTION, &m->names, m->program);

	if (r == 0 && extra) {
		r = loader_options(m->l, s, extra, TARGET_SECTION, &m->names, m->program);
	}
	if (m->spec->service) {
		m->program->numprocs = (int)m->spec->n_nums;
		m->program->numprocs_start = m->spec->n_nums ? (int)m->spec->nums[0] : 0;
	}
	if (m->program->serverurl && value_is_word(m->program->serverurl, "auto")) {
		m->program->serverurl = NULL;
	}
	return r;
}

static void expansions_of(struct program_making *m)
{
	m->names = (struct expansions){.parent = &m->l->base};
	expansions_text(&m->names, "program_name", m->program->name);
	expansions_text(&m->names, "group_name", m->program->group);
	if (m->spec->service) {
		expansions_text(&m->names, "service_name", m->spec->service);
		expansions_text(&m->names, "slot", slot_name(m->spec->slot));
	}
}

static struct program_config *program_new(struct loader *l, const struct program_spec *spec)
{
	struct arena *memory = l->config->memory;
	struct program_config *p = arena_alloc(memory, sizeof(*p));

	if (!p) {
		return NULL;
	}
	*p = (struct program_config){
		.name = arena_text(memory, spec->name),
		.group = arena_text(memory, spec->group),
		.kind = spec->kind,
		.place = spec->section->place,
		.user = {.uid = (uid_t)-1, .gid = (gid_t)-1},
		.umask = (mode_t)-1,
		.socket_owner = {.uid = (uid_t)-1, .gid = (gid_t)-1},
		.socket_mode = 0700,
		.service = -1,
		.slot = SLOT_INVALID_,
		.strip_ansi = l->config->supervisord.strip_ansi,
	};
	return p->name && p->group && vec_push(&l->config->programs, p) == 0 ? p : NULL;
}

int load_program(struct loader *l, const struct program_spec *spec, struct program_config **ret)
{
	struct program_making m = {.l = l, .spec = spec};
	unsigned errors = l->config->n_errors;
	int r;

	*ret = NULL;
	if (l->config->programs.len >= LOAD_PROGRAMS_MAX) {
		config_error(l->config, spec->section->place, "more than %d programs",
			     LOAD_PROGRAMS_MAX);
		return 0;
	}
	m.program = program_new(l, spec);
	if (!m.program) {
		return -ENOMEM;
	}
	expansions_of(&m);
	r = own_options(&m);
	if (r < 0) {
		return r;
	}
	if (m.program->numprocs == 0 && l->config->n_errors > errors) {
		m.program->numprocs = 1; /* numprocs is wrong: see what else is, in one worker */
	}
	check_command(&m);
	check_process_name(&m);
	check_stop(&m);
	check_exclusive(&m);
	r = program_check_schedule(&m);
	if (r < 0) {
		return r;
	}
	if (spec->kind == PROGRAM_EVENTLISTENER) {
		r = program_check_listener(&m);
	} else if (spec->kind == PROGRAM_FCGI) {
		r = program_check_fcgi(&m);
	}
	if (r == 0) {
		r = make_workers(&m);
	}
	if (r == 0) {
		check_logs(&m);
		settle_logs(&m);
		*ret = l->config->n_errors == errors ? m.program : NULL;
	}
	return r;
}
