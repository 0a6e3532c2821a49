/* From a path to a checked configuration: the order in which the parts read the text. */
#include "load.h"

#include "check.h"
#include "file.h"
#include "groups.h"
#include "include.h"
#include "loader.h"
#include "messages.h"
#include "resolved.h"
#include "service.h"
#include "service_programs.h"
#include "supervisord.h"
#include "unknown.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>

#include <string.h>
#include <unistd.h>

/* What the command line says stands in [slotd], which wins, after everything in the file. */
static int apply_overrides(struct loader *l, const struct config_overrides *overrides)
{
	const struct config_place place = {.file = "command line"};
	struct section *s;
	int r = 0;

	if (!overrides || !overrides->section_option[0][0]) {
		return 0;
	}
	s = document_section(&l->document, "slotd");
	if (!s) {
		s = document_open(&l->document, "slotd", place);
	}
	for (size_t i = 0; s && r == 0 && i < ARRAY_SIZE(overrides->section_option); i++) {
		const char *const *o = overrides->section_option[i];

		if (!o[0]) {
			break;
		}
		r = document_set(&l->document, s, o[0], o[1], place);
	}
	return s ? r : -ENOMEM;
}

typedef int part_fn(struct loader *l);

/* "%(ENV_A)s, %(ENV_B)s" */
static void list_variables(const char *value, struct strbuf *out)
{
	for (const char *p = value; (p = strstr(p, "%(ENV_")); p++) {
		(void)strbuf_addf(out, "%s%.*s)s", out->len ? ", " : "", (int)strcspn(p, ")"), p);
	}
}

static int note_origins(struct loader *l, const struct section *s)
{
	vec_for_each (o, &s->options) {
		CLEANUP(strbuf_done) struct strbuf variables = {0};
		struct config_origin origin = {.place = (*o)->place};

		list_variables((*o)->value, &variables);
		if (variables.len == 0 && !variables.error) {
			continue;
		}
		origin.variables = arena_strbuf(l->config->memory, &variables);
		if (!origin.variables || vec_push(&l->config->origins, origin) < 0) {
			return -ENOMEM;
		}
	}
	return 0;
}

static int load_origins(struct loader *l)
{
	int r = 0;

	vec_for_each (s, &l->document.sections) {
		r = r < 0 ? r : note_origins(l, *s);
	}
	return r;
}

/* Services need the programs and groups of the file, and make some of their own. */
static part_fn *const parts[] = {
	load_origins,  load_supervisord, load_groups,  load_service_programs, load_finish_groups,
	load_services, load_servers,	 load_unknown, load_cross_checks,
};

static int load_parts(struct loader *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int r = parts[i](l);

		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* The text is read; from here only memory can run out. */
static int finish(struct loader *l, const struct config_overrides *overrides, struct diag *diag,
		  struct config **ret)
{
	int r = l->no_files ? 0 : load_includes(l);

	if (r == 0) {
		r = apply_overrides(l, overrides);
	}
	if (r == 0) {
		r = load_parts(l);
	}
	if (r < 0) {
		return diag_set_errno(diag, r, "%s: cannot load", l->config->file);
	}
	config_sort_messages(l->config);
	l->config->n_loaded = l->config->messages.len;
	r = l->config->n_errors ? -EINVAL : 0;
	*ret = TAKE_PTR(l->config);
	return r;
}

static int load(struct loader *l, const char *path, const struct config_overrides *overrides,
		struct diag *diag, struct config **ret)
{
	int r;

	l->config->file = file_absolute(l->config->memory, path);
	if (!l->config->file) {
		return diag_set_errno(diag, -ENOMEM, "cannot load the configuration");
	}
	r = loader_file(l, path, diag);
	return r < 0 ? r : finish(l, overrides, diag, ret);
}

static void warn_of_search(struct loader *l, const char *path)
{
	if (path && path[0] != '/' && geteuid() == 0) {
		config_warning(l->config, (struct config_place){.file = path},
			       "root reads this file only because it is in the current directory; "
			       "name a file with -c, so that nobody else can choose it");
	}
}

int config_load(const char *path, const struct config_overrides *overrides, struct diag *diag,
		struct config **ret)
{
	CLEANUP(loader_done) struct loader l = {0};
	int r = loader_init(&l);

	if (r < 0) {
		return diag_set_errno(diag, r, "cannot load the configuration");
	}
	if (!path) {
		path = file_find_default(diag);
		warn_of_search(&l, path);
	}
	return path ? load(&l, path, overrides, diag, ret) : -ENOENT;
}

static void config_freep(struct config **c)
{
	*c = config_free(*c);
}

int config_ask(const char *path, const struct config_overrides *overrides, int fd)
{
	CLEANUP(loader_done) struct loader l = {0};
	CLEANUP(config_freep) struct config *c = NULL;
	CLEANUP(strbuf_done) struct strbuf answers = {0};
	int r = loader_init(&l);

	if (r == 0) {
		r = load(&l, path, overrides, NULL, &c);
	}
	if (r == -ENOMEM || sources_write(&l.sources, &answers) < 0) {
		return -ENOMEM;
	}
	/* What is wrong so far, slotd finds out by itself, from the same answers. */
	if (r == 0 && (config_resolve(c) == -ENOMEM || resolved_write(c, &answers) < 0)) {
		return -ENOMEM;
	}
	return io_write_all(fd, answers.data, answers.len);
}

int config_load_answers(const char *path, const struct config_overrides *overrides,
			const char *answers, size_t len, struct diag *diag, struct config **ret)
{
	CLEANUP(loader_done) struct loader l = {0};
	CLEANUP(config_freep) struct config *c = NULL;
	size_t used = 0;
	int r = loader_init(&l);

	if (r == 0) {
		r = sources_read(&l.sources, answers, len, &used);
	}
	if (r < 0) {
		return diag_set_errno(diag, r, "the configuration was not read");
	}
	r = load(&l, path, overrides, diag, &c);
	if (r == 0) {
		r = resolved_read(c, answers + used, len - used, diag);
	}
	if (r == 0 || r == -EINVAL) {
		*ret = TAKE_PTR(c);
	}
	return r;
}

int config_load_text(const char *name, const char *text, size_t len,
		     const struct config_overrides *overrides, struct diag *diag,
		     struct config **ret)
{
	CLEANUP(loader_done) struct loader l = {0};
	int r = loader_init(&l);

	l.no_files = true;
	if (r == 0) {
		l.config->file = arena_text(l.config->memory, name);
		r = l.config->file ? loader_add_file(&l, name, &(struct stat){0}) : -ENOMEM;
	}
	if (r == 0) {
		r = ini_read(&l.document, l.config, l.config->files.at[0], text, len);
	}
	if (r < 0) {
		return diag_set_errno(diag, r, "cannot load the configuration");
	}
	return finish(&l, overrides, diag, ret);
}
