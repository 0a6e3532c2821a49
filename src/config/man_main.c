/* slotd-conf-man PROLOGUE: the prologue with its line ".\" OPTIONS" replaced by the tables. */
#include "help.h"

#include <slotd/cleanup.h>

#include <string.h>

int main(int argc, char *argv[])
{
	auto_fclose FILE *prologue = argc == 2 ? fopen(argv[1], "re") : NULL;
	char line[1024];

	if (!prologue) {
		fprintf(stderr, "usage: slotd-conf-man PROLOGUE\n");
		return 2;
	}
	while (fgets(line, sizeof(line), prologue)) {
		if (strcmp(line, ".\\\" OPTIONS\n") == 0) {
			config_man(stdout);
		} else {
			fputs(line, stdout);
		}
	}
	return ferror(prologue) || fflush(stdout) != 0 || ferror(stdout) ? 1 : 0;
}
