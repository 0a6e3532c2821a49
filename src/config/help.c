/* --help-config: the tables as text. */
#include "options.h"

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
