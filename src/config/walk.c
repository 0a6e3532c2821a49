/* What stands in a file, without its meaning: for who compares it with another program's idea. */
#include <slotd/cleanup.h>

#include "file.h"
#include "load.h"

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
	r = load_file(&l, path, diag);
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
