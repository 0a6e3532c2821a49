/* Sections and options that nobody knows: most are typing mistakes. */
#include "unknown.h"

#include "messages.h"
#include "options_supervisord.h"
#include "sections.h"

#include <slotd/cleanup.h>
#include <slotd/config.h>

#include <string.h>

enum {
	NEAREST_LEN_MAX = 64,
};

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned d = a < b ? a : b;

	return d < c ? d : c;
}

/* Insertions, deletions, replacements and swapped neighbours that lead from a to b (optimal string
 * alignment). */
static unsigned distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned rows[3][NEAREST_LEN_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2], *spare;

	for (unsigned j = 0; j <= lb; j++) {
		last[j] = j;
		before[j] = 0;
	}
	for (size_t i = 1; i <= la; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = least(last[j] + 1, row[j - 1] + 1,
				       last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j]) {
				row[j] = before[j - 2] + 1;
			}
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[lb];
}

const char *nearest_name(const char *typed, const char *const *names, size_t n)
{
	size_t len = strlen(typed);
	unsigned best = len < 3 ? 1 : len < 6 ? 2 : 3;
	const char *near = NULL;

	if (len > NEAREST_LEN_MAX) {
		return NULL;
	}
	best++; /* strictly less is near */
	for (size_t i = 0; i < n; i++) {
		size_t other = strlen(names[i]);
		unsigned d;

		if (other > NEAREST_LEN_MAX || other >= len + best || len >= other + best) {
			continue; /* that many have to be added or removed */
		}
		d = distance(typed, len, names[i], other);
		if (d < best && d < len) {
			best = d;
			near = names[i];
		}
	}
	return near;
}

enum {
	OPTIONS_OF_A_KIND = 128,
};

static size_t names_of(const struct section_kind *k, const char **names)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(k->options) && k->options[i]; i++) {
		for (const struct option_def *def = k->options[i]; def->name; def++) {
			if (n < OPTIONS_OF_A_KIND) {
				names[n++] = def->name;
			}
		}
	}
	return n;
}

const struct option *section_typo(const struct section *s, const char *option)
{
	const char *names[OPTIONS_OF_A_KIND], *rest;
	const struct section_kind *k = section_kind(s->name, &rest);
	size_t n = k ? names_of(k, names) : 0;

	vec_for_each (o, &s->options) {
		const char *near =
			option_find(k, (*o)->name) ? NULL : nearest_name((*o)->name, names, n);

		if (near && strcmp(near, option) == 0) {
			return *o;
		}
	}
	return NULL;
}

void loader_missing(struct loader *l, const struct section *s, const char *option,
		    const char *sentence)
{
	const struct option *typo = section_typo(s, option);

	if (typo) {
		config_error(l->config, typo->place, "%s; did you mean \"%s\" by \"%s\"?", sentence,
			     option, typo->name);
	} else {
		config_error(l->config, s->place, "%s", sentence);
	}
}

static void unknown_option(struct loader *l, const struct section *s, const struct section_kind *k,
			   const struct option *o)
{
	const char *names[OPTIONS_OF_A_KIND];
	const char *near = nearest_name(o->name, names, names_of(k, names));
	char hint[DOCUMENT_NAME_MAX + 32] = "";

	if (near) {
		(void)snprintf(hint, sizeof(hint), "; did you mean \"%s\"?", near);
	} else if (o->name[0] == '[') {
		(void)snprintf(hint, sizeof(hint), "; a section ends with ]");
	}
	if (k->ours) {
		config_error(l->config, o->place, "[%s] unknown option \"%s\"%s", s->name, o->name,
			     hint);
	} else {
		config_warning(l->config, o->place, "[%s] unknown option \"%s\" is ignored%s",
			       s->name, o->name, hint);
	}
}

static void unknown_section(struct loader *l, const struct section *s)
{
	const char *names[32], *colon = strchr(s->name, ':');
	char typed[DOCUMENT_NAME_MAX + 1], hint[DOCUMENT_NAME_MAX + 64] = "";
	const char *near;
	size_t n = 0;

	for (const struct section_kind *k = section_kinds; k->name && n < ARRAY_SIZE(names); k++) {
		names[n++] = k->name;
	}
	(void)snprintf(typed, sizeof(typed), "%.*s",
		       (int)(colon ? (size_t)(colon - s->name) + 1 : strlen(s->name)), s->name);
	near = nearest_name(typed, names, n);
	if (near) {
		(void)snprintf(hint, sizeof(hint), "; did you mean [%s%s]?", near,
			       near[strlen(near) - 1] == ':' ? (colon ? colon + 1 : "NAME") : "");
	}
	if (strcmp(s->name, "DEFAULT") == 0) {
		config_error(l->config, s->place,
			     "[DEFAULT] is not supported; write its options into each section");
		return;
	}
	config_warning(l->config, s->place, "unknown section [%s] is ignored%s", s->name, hint);
}

static void check_rpcinterface(struct loader *l, const struct section *s)
{
	const struct option *o = section_option(s, "supervisor.rpcinterface_factory");

	if (!o) {
		config_error(l->config, s->place,
			     "section [%s] does not specify a supervisor.rpcinterface_factory",
			     s->name);
	} else if (strcmp(o->value, "supervisor.rpcinterface:make_main_rpcinterface") != 0) {
		config_warning(l->config, o->place,
			       "%s cannot be resolved within [%s]: Python interfaces cannot be "
			       "loaded; its methods will be missing",
			       o->value, s->name);
	}
}

static void check_section(struct loader *l, const struct section *s)
{
	const char *rest;
	const struct section_kind *k = section_kind(s->name, &rest);

	if (!k) {
		unknown_section(l, s);
		return;
	}
	if (k->options[0] == rpcinterface_options) {
		check_rpcinterface(l, s);
	}
	vec_for_each (o, &s->options) {
		if (!k->any_option && !option_find(k, (*o)->name)) {
			unknown_option(l, s, k, *o);
		}
	}
}

int load_unknown(struct loader *l)
{
	vec_for_each (s, &l->document.sections) {
		check_section(l, *s);
	}
	return 0;
}
