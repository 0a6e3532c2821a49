#pragma once

/** What slotctl was started with: the command line over [supervisorctl] of the file. */

#include <slotd/diag.h>
#include <stdbool.h>

struct options {
	char *config_file; /* as given; NULL: the default places */
	char *url, *username, *password;
	char *prompt, *history_file;
	char *line;	  /* the command's words joined by blanks; "" without a command */
	bool own_socket;  /* url is slotd's own socket, as nothing else was asked for */
	bool shell;	  /* no command was given */
	bool interactive; /* the shell, or -i: questions are asked */
	bool help, version;
};

/**
 * Reads the command line, then the configuration.
 *
 * Returns: 0; -EINVAL with the sentence for "Error: ..." (exit 2); -ENOMEM.
 */
int options_init(struct options *o, int argc, char *argv[], struct diag *diag);
void options_done(struct options *o);
