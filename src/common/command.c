#include "command_tables.h"

#include <slotd/cleanup.h>
#include <slotd/command.h>

#include <stdlib.h>
#include <string.h>

static const struct command_row *const *const tables[] = {
	service_commands,
	process_commands,
	daemon_commands,
};

const struct command_row *command_row(enum command c)
{
	for (size_t i = 0; c > COMMAND_NONE && c < COMMAND_MAX_ && i < ARRAY_SIZE(tables); i++) {
		if (tables[i][c]) {
			return tables[i][c];
		}
	}
	return NULL;
}

const char *command_name(enum command c)
{
	const struct command_row *row = command_row(c);

	return row ? row->name : "?";
}

enum command command_find(const char *name)
{
	for (int c = COMMAND_NONE + 1; c < COMMAND_MAX_; c++) {
		const struct command_row *row = command_row((enum command)c);

		if (row && row->usage && strcmp(row->name, name) == 0) {
			return (enum command)c;
		}
	}
	return COMMAND_NONE;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(command_name(*(const enum command *)a),
		      command_name(*(const enum command *)b));
}

size_t commands_by_name(enum command ret[COMMAND_MAX_])
{
	size_t n = 0;

	for (int c = COMMAND_NONE + 1; c < COMMAND_MAX_; c++) {
		const struct command_row *row = command_row((enum command)c);

		if (row && row->usage) {
			ret[n++] = (enum command)c;
		}
	}
	qsort(ret, n, sizeof(*ret), by_name);
	return n;
}

const char *command_method(enum command c, enum about about)
{
	const struct command_row *row = command_row(c);

	for (const struct method *m = row ? row->methods : NULL; m && m->name; m++) {
		if (m->about == about) {
			return m->name;
		}
	}
	return NULL;
}

bool command_asks_slotd(const struct command_row *row)
{
	return row->methods[0].kind >= METHOD_ACT && row->methods[0].kind <= METHOD_SAY;
}
