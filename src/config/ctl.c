/* What slotctl needs of the file: its own section, and what stands in it, without its meaning. */
#include "file.h"
#include "include.h"
#include "loader.h"
#include "options_supervisord.h"
#include "sections.h"

#include <slotd/cleanup.h>

static int read_options(struct loader *l, const char *section, const struct option_def *defs,
			void *object)
{
	static const struct section none = {.name = "supervisorctl"};
	const struct section *s = document_section(&l->document, section);

	return loader_options(l, s ? s : &none, defs, TARGET_SECTION, &l->base, object);
}

/* Only where the file says it: without, slotctl has its own idea of whose slotd is meant. */
static int read_run_dir(struct loader *l, struct ctl_config *ctl)
{
	static const char *const sections[] = {"supervisord", "slotd"};
	const char *rest;
	const struct option_def *def = option_find(section_kind("slotd", &rest), "run_dir");
	struct supervisord_config found = {0};
	int r = 0;

	for (size_t i = 0; r != -ENOMEM && i < ARRAY_SIZE(sections); i++) {
		const struct section *s = document_section(&l->document, sections[i]);

		if (s) {
			r = loader_option(l, s, def, &l->base, &found);
		}
	}
	ctl->run_dir = found.run_dir;
	return r == -ENOMEM ? r : 0;
}

static int read_ctl(struct loader *l, struct ctl_config *ctl, struct diag *diag)
{
	int r = read_options(l, "supervisorctl", ctl_options, ctl);

	if (r == 0) {
		r = read_run_dir(l, ctl);
	}
	if (r < 0) {
		return diag_set_errno(diag, r, "cannot load the configuration");
	}
	vec_for_each (m, &l->config->messages) {
		if (m->error && strstr(m->diag.text, "[supervisorctl]")) {
			return diag_set_at(diag, -EINVAL, m->diag.file, m->diag.line, "%s",
					   m->diag.text);
		}
	}
	return 0;
}

int config_load_ctl(const char *path, struct diag *diag, struct ctl_config **ret)
{
	CLEANUP(loader_done) struct loader l = {0};
	struct ctl_config *ctl = calloc(1, sizeof(*ctl));
	const char *file;
	int r = ctl ? loader_init(&l) : -ENOMEM;

	if (r < 0) {
		free(ctl);
		return diag_set_errno(diag, r, "cannot load the configuration");
	}
	file = path ? path : file_find_default(NULL);
	if (file) {
		r = loader_file(&l, file, diag);
	}
	if (r == 0 && path && l.document.sections.len == 0) { /* another kind of file */
		r = diag_set(diag, -EINVAL, ".ini file does not include supervisorctl section");
	}
	if (r == 0) {
		r = read_ctl(&l, ctl, diag);
	}
	ctl->memory = TAKE_PTR(l.config->memory);
	if (r < 0) {
		ctl = config_free_ctl(ctl);
		return r;
	}
	*ret = ctl;
	return 0;
}

struct ctl_config *config_free_ctl(struct ctl_config *c)
{
	if (c) {
		c->memory = arena_free(c->memory);
		free(c);
	}
	return NULL;
}

/* ---- all that stands in it ------------------------------------------------------------------- */

static enum config_known known_section(const struct section_kind *k)
{
	if (!k) {
		return CONFIG_KNOWN_NOBODY;
	}
	return k->ours ? CONFIG_KNOWN_OURS : CONFIG_KNOWN_SUPERVISOR;
}

static enum config_known known_option(const struct section_kind *k, const char *name)
{
	const struct option_def *def;

	if (!k || k->any_option) {
		return k ? CONFIG_KNOWN_SUPERVISOR : CONFIG_KNOWN_NOBODY;
	}
	def = option_find(k, name);
	if (!def) {
		return CONFIG_KNOWN_NOBODY;
	}
	return k->ours || def->ours ? CONFIG_KNOWN_OURS : CONFIG_KNOWN_SUPERVISOR;
}

static void walk_section(const struct section *s, config_item_fn *fn, void *data)
{
	const char *rest;
	const struct section_kind *k = section_kind(s->name, &rest);
	struct config_item item = {
		.place = s->place, .section = s->name, .known = known_section(k)};

	fn(data, &item);
	vec_for_each (o, &s->options) {
		item.place = (*o)->place;
		item.option = (*o)->name;
		item.value = (*o)->value;
		item.known = known_option(k, (*o)->name);
		fn(data, &item);
	}
}

int config_walk(const char *path, config_item_fn *fn, void *data, struct diag *diag)
{
	CLEANUP(loader_done) struct loader l = {0};
	int r = loader_init(&l);

	if (r == 0) {
		l.config->file = file_absolute(l.config->memory, path);
		r = l.config->file ? 0 : -ENOMEM;
	}
	if (r < 0) {
		return diag_set_errno(diag, r, "cannot load the configuration");
	}
	r = loader_file(&l, path, diag);
	if (r < 0) {
		return r;
	}
	r = load_includes(&l);
	if (r < 0) {
		return diag_set_errno(diag, r, "%s: cannot load", path);
	}
	vec_for_each (s, &l.document.sections) {
		walk_section(*s, fn, data);
	}
	return 0;
}
