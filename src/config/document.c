#include "document.h"

int document_init(struct document *d)
{
	*d = (struct document){.memory = arena_new()};
	return d->memory ? 0 : -ENOMEM;
}

void document_done(struct document *d)
{
	vec_for_each (s, &d->sections) {
		map_done(&(*s)->by_name);
		vec_done(&(*s)->options);
	}
	vec_done(&d->sections);
	map_done(&d->by_name);
	d->memory = arena_free(d->memory);
}

struct section *document_section(const struct document *d, const char *name)
{
	return map_get(&d->by_name, name);
}

struct section *document_open(struct document *d, const char *name, struct config_place place)
{
	struct section *s = document_section(d, name);

	if (s) {
		return s;
	}
	s = arena_alloc(d->memory, sizeof(*s));
	if (!s) {
		return NULL;
	}
	s->name = arena_text(d->memory, name);
	s->place = place;
	if (!s->name || vec_push(&d->sections, s) < 0) {
		return NULL;
	}
	return map_set(&d->by_name, name, s) < 0 ? NULL : s;
}

const struct option *section_option(const struct section *s, const char *name)
{
	return map_get(&s->by_name, name);
}

static struct option *option_new(struct document *d, struct section *s, const char *name)
{
	struct option *o = arena_alloc(d->memory, sizeof(*o));

	if (!o) {
		return NULL;
	}
	o->name = arena_text(d->memory, name);
	if (!o->name || vec_push(&s->options, o) < 0) {
		return NULL;
	}
	return map_set(&s->by_name, name, o) < 0 ? NULL : o;
}

int document_set(struct document *d, struct section *s, const char *name, const char *value,
		 struct config_place place)
{
	struct option *o = map_get(&s->by_name, name);
	char *copy;

	if (d->n_options++ >= DOCUMENT_OPTIONS_MAX) {
		return -E2BIG;
	}
	copy = arena_text(d->memory, value);
	if (!copy) {
		return -ENOMEM;
	}
	if (!o) {
		o = option_new(d, s, name);
		if (!o) {
			return -ENOMEM;
		}
	}
	o->value = copy;
	o->place = place;
	return 0;
}
