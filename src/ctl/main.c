#include "commands.h"
#include "options.h"
#include "session.h"
#include "shell.h"

#include <slotd/cleanup.h>
#include <slotd/diag.h>
#include <stdio.h>

static const char usage[] =
	"slotctl, in the place of supervisorctl -- control applications that slotd runs,\n"
	"and switch slots.\n"
	"\n"
	"Usage: slotctl [options] [command [arguments]]\n"
	"\n"
	"Options:\n"
	"-c/--configuration FILENAME -- read [supervisorctl] from this configuration file\n"
	"-h/--help -- print this summary and exit\n"
	"-V/--version -- print slotctl's version and exit\n"
	"-i/--interactive -- start an interactive shell; with a command, ask before a shutdown\n"
	"-s/--serverurl URL -- address of the server: unix:///PATH or http://HOST:PORT\n"
	"     (default: slotd.sock in slotd's run_dir)\n"
	"-u/--username USERNAME -- user name for servers that ask for one\n"
	"-p/--password PASSWORD -- password for servers that ask for one\n"
	"-r/--history_file FILENAME -- keep the history of the shell in this file\n"
	"\n"
	"Without a command an interactive shell starts. \"slotctl help\" lists the commands.\n";

/* The exit status. Whatever failed is told. */
static int failed(int error, struct diag *diag)
{
	if (!diag->text[0]) {
		(void)diag_set_errno(diag, error, "slotctl cannot begin");
	}
	return error == -ENOMEM ? EXIT_GENERIC : EXIT_USAGE;
}

static int run(struct options *options, struct diag *diag)
{
	CLEANUP(session_done) struct ctl ctl;
	int r = session_open(&ctl, options, diag);

	if (r < 0) {
		return failed(r, diag);
	}
	if (options->shell) {
		shell_run(&ctl);
	} else {
		command_line(&ctl, options->line);
	}
	return fflush(stdout) == 0 || ctl.exit_code != 0 ? ctl.exit_code : EXIT_GENERIC;
}

int main(int argc, char *argv[])
{
	CLEANUP(options_done) struct options options = {0};
	struct diag diag = {0};
	int code, r = options_init(&options, argc, argv, &diag);

	if (r < 0) {
		code = failed(r, &diag);
	} else if (options.help || options.version) {
		printf(options.version ? "slotctl %s\n" : "%s",
		       options.version ? SLOTD_VERSION : usage);
		return EXIT_DONE;
	} else {
		code = run(&options, &diag);
	}
	if (diag.text[0]) {
		(void)fprintf(stderr, "Error: %s\nFor help, use %s -h\n", diag.text, argv[0]);
	}
	return code;
}
