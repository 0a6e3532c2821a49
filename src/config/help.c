/* The tables as text: --help-config, and the options part of slotd.conf(5). */
#include "help.h"

#include "options_supervisord.h"
#include "sections.h"

#include <slotd/mdoc.h>

enum {
	HELP_COLUMN = 8,
	HELP_WIDTH = 78,
};

static void wrapped(FILE *to, const char *text)
{
	int column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column && column + 1 + (int)len > HELP_WIDTH - HELP_COLUMN) {
			fputc('\n', to);
			column = 0;
		}
		if (column == 0) {
			column = fprintf(to, "%*s", HELP_COLUMN, "") - HELP_COLUMN;
		} else {
			fputc(' ', to);
			column++;
		}
		fwrite(text, 1, len, to);
		column += (int)len;
		text += len + strspn(text + len, " ");
	}
	fputc('\n', to);
}

static void option(FILE *to, const struct option_def *def)
{
	char range[OPTION_RANGE_MAX];

	fprintf(to, "    %s=", def->name);
	if (def->def) {
		fprintf(to, "%s", def->def);
	}
	fprintf(to, "    (%s%s)\n", option_type_name(def), option_range(def, range, sizeof(range)));
	wrapped(to, def->help);
}

static void print_section(FILE *to, const struct section_kind *k)
{
	fprintf(to, "[%s%s]\n", k->name, k->named ? "x" : "");
	wrapped(to, k->help);
	if (strcmp(k->name, "slotd") != 0) {
		for (const struct option_def *def = k->options[0]; def->name; def++) {
			option(to, def);
		}
	}
	fputc('\n', to);
}

void config_help(FILE *to, const char *section)
{
	const char *rest;
	const struct section_kind *only = section ? section_kind(section, &rest) : NULL;

	for (const struct section_kind *k = section_kinds; k->name; k++) {
		if (!section || k == only) {
			print_section(to, k);
		}
	}
}

/* ---- slotd.conf(5) --------------------------------------------------------------------------- */

static void item(FILE *to, const struct option_def *def)
{
	const char *effect = option_effect_name(def->on_change);
	char range[OPTION_RANGE_MAX];

	fprintf(to, ".It Ic %s", def->name);
	fputs("\n.No (", to);
	mdoc_text(to, option_type_name(def));
	mdoc_text(to, option_range(def, range, sizeof(range)));
	if (def->def && def->def[0]) {
		fputs("; default ", to);
		mdoc_text(to, def->def);
	}
	if (effect[0]) {
		fprintf(to, "; %s", effect);
	}
	fputs(")\n", to);
	mdoc_text(to, def->help);
	fputc('\n', to);
}

/* The options of [supervisord] and [slotd] are one table, and each is told where it is at home. */
static bool is_told_in(const struct section_kind *k, const struct option_def *def)
{
	return k->options[0] != supervisord_options || def->ours == k->ours;
}

static void section(FILE *to, const struct section_kind *k)
{
	fprintf(to, ".Ss \\&[%s%s]\n", k->name, k->named ? "x" : "");
	mdoc_text(to, k->help);
	fputs("\n.Bl -tag -width Ds\n", to);
	for (const struct option_def *def = k->options[0]; def->name; def++) {
		if (is_told_in(k, def)) {
			item(to, def);
		}
	}
	fputs(".El\n", to);
}

void config_man(FILE *to)
{
	for (const struct section_kind *k = section_kinds; k->name; k++) {
		section(to, k);
	}
}
