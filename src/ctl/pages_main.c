/*
 * slotctl-pages TEMPLATE: the template with its lines "# COMMANDS bash" (or zsh, fish) and
 * ".\" COMMANDS services" (or processes, daemon) replaced by what the table of commands says.
 */
#include "pages.h"

#include <slotd/cleanup.h>
#include <string.h>

static void man_services(FILE *to)
{
	pages_man(to, TOPIC_SERVICES);
}

static void man_processes(FILE *to)
{
	pages_man(to, TOPIC_PROCESSES);
}

static void man_daemon(FILE *to)
{
	pages_man(to, TOPIC_DAEMON);
}

static const struct {
	const char *line;
	void (*print)(FILE *to);
} parts[] = {
	{"# COMMANDS bash\n", pages_bash},
	{"# COMMANDS zsh\n", pages_zsh},
	{"# COMMANDS fish\n", pages_fish},
	{".\\\" COMMANDS services\n", man_services},
	{".\\\" COMMANDS processes\n", man_processes},
	{".\\\" COMMANDS daemon\n", man_daemon},
};

static void print_line(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (strcmp(line, parts[i].line) == 0) {
			parts[i].print(stdout);
			return;
		}
	}
	fputs(line, stdout);
}

int main(int argc, char *argv[])
{
	auto_fclose FILE *template = argc == 2 ? fopen(argv[1], "re") : NULL;
	char line[1024];

	if (!template) {
		fprintf(stderr, "usage: slotctl-pages TEMPLATE\n");
		return 2;
	}
	while (fgets(line, sizeof(line), template)) {
		print_line(line);
	}
	return ferror(template) || fflush(stdout) != 0 || ferror(stdout) ? 1 : 0;
}
