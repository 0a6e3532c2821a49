#include "pages.h"

#include <slotd/cleanup.h>
#include <slotd/mdoc.h>
#include <string.h>

/* Calls f for each command that the pages show, in the order of names. */
static void for_commands(FILE *to, void (*f)(FILE *to, const struct command_row *row))
{
	enum command all[COMMAND_MAX_];
	size_t n = commands_by_name(all);

	for (size_t i = 0; i < n; i++) {
		if (command_row(all[i])->topic != TOPIC_NONE) {
			f(to, command_row(all[i]));
		}
	}
}

/* What the first line of its usage says. */
static const char *summary(const struct command_row *row, int *ret_len)
{
	const char *text = strchr(row->usage, '\t') + 1;

	*ret_len = (int)strcspn(text, "\n");
	return text;
}

/* ---- slotctl(1) */

static void man_options(FILE *to, const struct command_row *row)
{
	for (size_t i = 0; i < n_command_options; i++) {
		const struct command_option *o = &command_options[i];

		if ((row->flags & o->flag) && o->help) {
			fputs(" [", to);
			mdoc_words(to, o->name);
			fprintf(to, "%s%s]", o->argument ? " " : "",
				o->argument ? o->argument : "");
		}
	}
}

static void man_row(FILE *to, const struct command_row *row)
{
	for (const char *line = row->usage; *line;) {
		char usage[256], text[256];
		size_t tab = strcspn(line, "\t"), end = strcspn(line, "\n");

		(void)snprintf(usage, sizeof(usage), "%.*s", (int)tab, line);
		(void)snprintf(text, sizeof(text), "%.*s.\n", (int)(end - tab - 1), line + tab + 1);
		fputs(".It Ic ", to);
		mdoc_words(to, row->name);
		mdoc_words(to, usage + strlen(row->name));
		if (line == row->usage) {
			man_options(to, row);
		}
		fputc('\n', to);
		mdoc_text(to, text);
		line += end + (line[end] == '\n');
	}
	if (row->manual) {
		fputs(strchr(row->usage, '\n') ? ".Pp\n" : "", to);
		mdoc_text(to, row->manual);
		fputc('\n', to);
	}
}

void pages_man(FILE *to, enum command_topic topic)
{
	enum command all[COMMAND_MAX_];
	size_t n = commands_by_name(all);

	fputs(".Bl -tag -width Ds\n", to);
	for (size_t i = 0; i < n; i++) {
		if (command_row(all[i])->topic == topic) {
			man_row(to, command_row(all[i]));
		}
	}
	fputs(".El\n", to);
}

/* ---- completions */

/* Blanks before each: the row's words, then its options. */
static void put_words(FILE *to, const struct command_row *row)
{
	if (row->words) {
		fprintf(to, " %s", row->words);
	}
	for (size_t i = 0; i < n_command_options; i++) {
		if (row->flags & command_options[i].flag) {
			fprintf(to, " %s", command_options[i].name);
		}
	}
}

static bool has_words(const struct command_row *row)
{
	for (size_t i = 0; i < n_command_options; i++) {
		if (row->flags & command_options[i].flag) {
			return true;
		}
	}
	return row->words != NULL;
}

/* "NAME) ONE; TWO WORDS ;;" of a case: names is what lists names, words what takes words. */
static void put_case(FILE *to, const struct command_row *row, const char *names, const char *words)
{
	if (!names && !has_words(row)) {
		return;
	}
	fprintf(to, "\t%s)", row->name);
	if (names) {
		fprintf(to, " %s%s", names, has_words(row) ? ";" : "");
	}
	if (has_words(row)) {
		fprintf(to, " %s", words);
		put_words(to, row);
	}
	fputs(" ;;\n", to);
}

static void put_name(FILE *to, const struct command_row *row)
{
	fprintf(to, " %s", row->name);
}

static void bash_case(FILE *to, const struct command_row *row)
{
	static const char *const names[COMPLETE_MAX_] = {
		[COMPLETE_COMMANDS] = "echo \"$_slotctl_commands\"",
		[COMPLETE_GROUPS] = "_slotctl_groups",
		[COMPLETE_WORKERS] = "_slotctl_workers",
		[COMPLETE_SERVICES] = "_slotctl_services",
		[COMPLETE_SIGNALS] = "_slotctl_signals \"$2\"",
	};

	put_case(to, row, names[row->completion], "echo");
}

void pages_bash(FILE *to)
{
	fputs("_slotctl_commands='", to);
	for_commands(to, put_name);
	fputs("'\n\n_slotctl_words()\n{\n\tcase $1 in\n", to);
	for_commands(to, bash_case);
	fputs("\tesac\n}\n", to);
}

/* 'in quotes', as all three shells understand it: none of the texts has a backslash. */
static void put_quoted(FILE *to, const char *before, const char *text, int len)
{
	fprintf(to, "'%s", before);
	for (int i = 0; i < len; i++) {
		fputs(text[i] == '\'' ? "'\\''" : (char[]){text[i], '\0'}, to);
	}
	fputc('\'', to);
}

static void zsh_name(FILE *to, const struct command_row *row)
{
	char before[64];
	int len;
	const char *text = summary(row, &len);

	(void)snprintf(before, sizeof(before), "%s:", row->name);
	fputc('\t', to);
	put_quoted(to, before, text, len);
	fputc('\n', to);
}

static void zsh_case(FILE *to, const struct command_row *row)
{
	static const char *const names[COMPLETE_MAX_] = {
		[COMPLETE_COMMANDS] = "_describe command _slotctl_commands",
		[COMPLETE_GROUPS] = "_slotctl_groups",
		[COMPLETE_WORKERS] = "_slotctl_workers",
		[COMPLETE_SERVICES] = "_slotctl_services",
		[COMPLETE_FILES] = "_files",
		[COMPLETE_SIGNALS] =
			"if (( CURRENT == 2 )); then _signals -p; else _slotctl_workers; fi",
	};

	put_case(to, row, names[row->completion], "compadd --");
}

void pages_zsh(FILE *to)
{
	fputs("typeset -ga _slotctl_commands\n_slotctl_commands=(\n", to);
	for_commands(to, zsh_name);
	fputs(")\n\n_slotctl_words() {\n\tcase $1 in\n", to);
	for_commands(to, zsh_case);
	fputs("\tesac\n}\n", to);
}

static void fish_seen(FILE *to, const struct command_row *row)
{
	fprintf(to, "complete -c slotctl -n '__fish_seen_subcommand_from %s'", row->name);
}

/* "-f stdout": an option of one letter, and words. */
static void fish_words(FILE *to, const struct command_row *row)
{
	const char *words = row->words;

	if (strncmp(words, "-f", 2) == 0) {
		fish_seen(to, row);
		fputs(" -s f -d 'follow the log'\n", to);
		words += words[2] ? 3 : 2;
	}
	if (*words) {
		fish_seen(to, row);
		fprintf(to, " -a '%s'\n", words);
	}
}

static void fish_options(FILE *to, const struct command_row *row)
{
	for (size_t i = 0; i < n_command_options; i++) {
		const struct command_option *o = &command_options[i];

		if (!(row->flags & o->flag)) {
			continue;
		}
		fish_seen(to, row);
		fprintf(to, "%s -l %s", o->argument ? " -x" : "", o->name + strlen("--"));
		if (o->help) {
			fputs(" -d ", to);
			put_quoted(to, "", o->help, (int)strlen(o->help));
		}
		fputc('\n', to);
	}
}

static void fish_row(FILE *to, const struct command_row *row)
{
	static const char *const names[COMPLETE_MAX_] = {
		[COMPLETE_COMMANDS] = "-a \"$commands\"",
		[COMPLETE_GROUPS] = "-a '(__slotctl_groups)'",
		[COMPLETE_WORKERS] = "-a '(__slotctl_workers)'",
		[COMPLETE_SERVICES] = "-a '(__slotctl_services)'",
		[COMPLETE_FILES] = "-F",
		[COMPLETE_SIGNALS] = "-a '(__slotctl_signals; __slotctl_workers)'",
	};
	int len;
	const char *text = summary(row, &len);

	fprintf(to,
		"complete -c slotctl -n \"not __fish_seen_subcommand_from $commands\" -a %s -d ",
		row->name);
	put_quoted(to, "", text, len);
	fputc('\n', to);
	if (names[row->completion]) {
		fish_seen(to, row);
		fprintf(to, " %s\n", names[row->completion]);
	}
	if (row->words) {
		fish_words(to, row);
	}
	fish_options(to, row);
}

void pages_fish(FILE *to)
{
	fputs("set -l commands", to);
	for_commands(to, put_name);
	fputc('\n', to);
	for_commands(to, fish_row);
}
