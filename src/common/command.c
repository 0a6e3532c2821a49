#include <slotd/command.h>

#include <stdlib.h>
#include <string.h>

const struct command_row *command_row(enum command c)
{
	return c > COMMAND_NONE && c < COMMAND_MAX_ && command_rows[c].name ? &command_rows[c]
									    : NULL;
}

const char *command_name(enum command c)
{
	const struct command_row *row = command_row(c);

	return row ? row->name : "?";
}

enum command command_find(const char *name)
{
	for (int c = COMMAND_NONE + 1; c < COMMAND_MAX_; c++) {
		if (command_rows[c].usage && strcmp(command_rows[c].name, name) == 0) {
			return (enum command)c;
		}
	}
	return COMMAND_NONE;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(command_rows[*(const enum command *)a].name,
		      command_rows[*(const enum command *)b].name);
}

size_t commands_by_name(enum command ret[COMMAND_MAX_])
{
	size_t n = 0;

	for (int c = COMMAND_NONE + 1; c < COMMAND_MAX_; c++) {
		if (command_rows[c].usage) {
			ret[n++] = (enum command)c;
		}
	}
	qsort(ret, n, sizeof(*ret), by_name);
	return n;
}

const char *command_method(enum command c, enum about about)
{
	for (const struct method *m = command_rows[c].methods; m->name; m++) {
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
