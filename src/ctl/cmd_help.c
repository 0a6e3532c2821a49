#include "commands.h"

#include <slotd/cleanup.h>
#include <stdio.h>
#include <string.h>

enum {
	HELP_WIDTH = 79,
	USAGE_WIDTH = 40,
};

void command_help(enum command c)
{
	const struct command_row *row = command_row(c);
	const char *line = row->usage;
	char option[64];

	while (*line) {
		size_t usage = strcspn(line, "\t"), text = strcspn(line + usage, "\n");

		printf("%-*.*s  %.*s\n", USAGE_WIDTH, (int)usage, line, (int)text - 1,
		       line + usage + 1);
		line += usage + text;
		line += *line == '\n';
	}
	for (size_t i = 0; i < n_command_options; i++) {
		const struct command_option *o = &command_options[i];

		if ((row->flags & o->flag) && o->help) {
			(void)snprintf(option, sizeof(option), "%s%s%s", o->name,
				       o->argument ? " " : "", o->argument ? o->argument : "");
			printf("  %-*s  %s\n", USAGE_WIDTH - 2, option, o->help);
		}
	}
}

/* How wide is column c when n names stand in columns of rows? */
static size_t column_width(const char *const *names, size_t n, size_t rows, size_t c)
{
	size_t widest = 0;

	for (size_t i = c * rows; i < n && i < (c + 1) * rows; i++) {
		size_t width = strlen(names[i]);

		widest = width > widest ? width : widest;
	}
	return widest;
}

/* Python's cmd module: the fewest rows whose columns, two blanks apart, fit the width. */
static size_t fewest_rows(const char *const *names, size_t n)
{
	for (size_t rows = 1; rows < n; rows++) {
		size_t columns = (n + rows - 1) / rows, total = 0;

		for (size_t c = 0; c < columns; c++) {
			total += column_width(names, n, rows, c) + (c > 0 ? 2 : 0);
		}
		if (total <= HELP_WIDTH) {
			return rows;
		}
	}
	return n;
}

static void print_columns(const char *const *names, size_t n)
{
	size_t rows = fewest_rows(names, n);

	for (size_t r = 0; r < rows; r++) {
		for (size_t i = r, c = 0; i < n; i += rows, c++) {
			printf("%s%-*s", c > 0 ? "  " : "", (int)column_width(names, n, rows, c),
			       names[i]);
		}
		(void)putchar('\n');
	}
}

static void print_topics(const char *header, unsigned ours)
{
	enum command all[COMMAND_MAX_];
	const char *names[COMMAND_MAX_];
	size_t n = 0, n_all = commands_by_name(all);

	for (size_t i = 0; i < n_all; i++) {
		if ((command_row(all[i])->flags & (OURS | HIDDEN)) == ours) {
			names[n++] = command_name(all[i]);
		}
	}
	printf("%s\n", header);
	for (size_t i = 0; i < strlen(header); i++) {
		(void)putchar('=');
	}
	(void)putchar('\n');
	print_columns(names, n);
	(void)putchar('\n');
}

void cmd_help(struct ctl *ctl, struct words *words)
{
	enum command c = words->n > 0 ? command_find(words->at[0]) : COMMAND_NONE;

	(void)ctl;
	if (words->n == 0) {
		(void)putchar('\n');
		print_topics("default commands (type help <topic>):", 0);
		print_topics("slotd commands (type help <topic>):", OURS);
	} else if (c != COMMAND_NONE) {
		command_help(c);
	} else {
		printf("*** No help on %s\n", words->at[0]);
	}
}

void cmd_quit(struct ctl *ctl, struct words *words)
{
	(void)words;
	(void)putchar('\n');
	ctl->leave = true;
}
