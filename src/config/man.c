#include "man.h"
#include "options.h"

/* Text for a manual page: nothing in it is a macro or an escape, and each sentence is a line. */
static void text(FILE *to, const char *s)
{
	bool line_start = true;

	for (; *s; s++) {
		if (line_start && (*s == '.' || *s == '\'')) {
			fputs("\\&", to);
		}
		line_start = *s == '\n';
		switch (*s) {
		case '\\':
			fputs("\\e", to);
			break;
		case '-':
			fputs("\\-", to);
			break;
		case '.':
			fputc('.', to);
			if (s[1] == ' ') {
				fputc('\n', to);
				line_start = true;
				s++;
			}
			break;
		default:
			fputc(*s, to);
		}
	}
}

static void item(FILE *to, const struct option_def *def)
{
	const char *effect = option_effect_name(def->on_change);
	char range[OPTION_RANGE_MAX];

	fprintf(to, ".It Ic %s", def->name);
	fputs("\n.No (", to);
	text(to, option_type_name(def));
	text(to, option_range(def, range, sizeof(range)));
	if (def->def && def->def[0]) {
		fputs("; default ", to);
		text(to, def->def);
	}
	if (effect[0]) {
		fprintf(to, "; %s", effect);
	}
	fputs(")\n", to);
	text(to, def->help);
	fputc('\n', to);
}

static void items(FILE *to, const struct option_def *defs, bool ours)
{
	fputs(".Bl -tag -width Ds\n", to);
	for (const struct option_def *def = defs; def->name; def++) {
		if (def->ours == ours) {
			item(to, def);
		}
	}
	fputs(".El\n", to);
}

static bool has(const struct option_def *defs, bool ours)
{
	for (const struct option_def *def = defs; def->name; def++) {
		if (def->ours == ours) {
			return true;
		}
	}
	return false;
}

static void section(FILE *to, const struct section_kind *k)
{
	const struct option_def *defs = k->options[0];
	bool is_slotd = strcmp(k->name, "slotd") == 0;

	fprintf(to, ".Ss \\&[%s%s]\n", k->name, k->named ? "x" : "");
	text(to, k->help);
	fputc('\n', to);
	if (is_slotd || (has(defs, true) && !has(defs, false))) {
		items(to, defs, true);
	} else {
		items(to, defs, false);
	}
}

void config_man(FILE *to)
{
	for (const struct section_kind *k = section_kinds; k->name; k++) {
		section(to, k);
	}
}
