#include "commands.h"

#include <ctype.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of the alphabet: help prints it so. */
const struct command_row command_rows[] = {
	{
		.name = "abort",
		.help = "abort SERVICE\tStop a swap or deploy that has not flipped yet",
		.run = cmd_abort,
		.flags = OURS,
		.completion = COMPLETE_SERVICES,
	},
	{
		.name = "add",
		.help = "add GROUP...\tStart running groups that the configuration has gained",
		.run = cmd_add,
		.completion = COMPLETE_GROUPS,
	},
	{
		.name = "attach",
		.help = "attach SERVICE\tFollow the swap or deploy that is going on",
		.run = cmd_attach,
		.flags = ALLOW_JSON | OURS,
		.completion = COMPLETE_SERVICES,
	},
	{
		.name = "avail",
		.help = "avail\tAll processes of the configuration, running or not",
		.run = cmd_avail,
		.flags = ALLOW_JSON | NO_ARGUMENTS,
	},
	{
		.name = "clear",
		.help = "clear NAME...\tEmpty the logs of processes\n"
			"clear all\tEmpty the logs of all processes",
		.run = cmd_clear,
		.completion = COMPLETE_WORKERS,
	},
	{
		.name = "deploy",
		.help = "deploy SERVICE [RELEASE]\tPrepare the idle slot, start it afresh, and "
			"swap",
		.run = cmd_deploy,
		.flags = ALLOW_JSON | ALLOW_WAIT | OURS,
		.completion = COMPLETE_SERVICES,
	},
	{
		.name = "drain",
		.help = "drain --now SERVICE\tClose what is still open to the old slot",
		.run = cmd_drain,
		.flags = ALLOW_NOW | OURS,
		.completion = COMPLETE_SERVICES,
	},
	{
		.name = "exit",
		.help = "exit\tLeave the shell",
		.run = cmd_quit,
	},
	{
		.name = "help",
		.help = "help\tList the commands\nhelp COMMAND\tWhat a command does",
		.run = cmd_help,
		.flags = HIDDEN,
		.completion = COMPLETE_COMMANDS,
	},
	{
		.name = "fg",
		.help = "fg NAME\tA process in the foreground: its output here, what is typed to "
			"it",
		.run = cmd_fg,
		.completion = COMPLETE_WORKERS,
	},
	{
		.name = "history",
		.help = "history [SERVICE...]\tSwaps, rollbacks and deploys: when, who, what "
			"became of them",
		.run = cmd_history,
		.flags = ALLOW_JSON | OURS,
		.completion = COMPLETE_SERVICES,
	},
	{
		.name = "import-check",
		.help = "import-check FILE\tWhat becomes of a supervisord.conf under slotd, and "
			"what would run twice",
		.run = cmd_import_check,
		.flags = OURS,
	},
	{
		.name = "leave",
		.help = "leave [FILE]\tThe way back to Supervisor, as commands to type",
		.run = cmd_leave,
		.flags = OURS,
	},
	{
		.name = "log-level",
		.help = "log-level LEVEL\tHow much slotd logs: error, warn, info, debug",
		.run = cmd_log_level,
		.flags = OURS,
	},
	{
		.name = "maintail",
		.help = "maintail [-f|-BYTES]\tThe end of slotd's own log; -f: and what comes",
		.run = cmd_maintail,
	},
	{
		.name = "open",
		.help = "open URL\tAnother server: http://HOST:PORT or unix:///PATH",
		.run = cmd_open,
	},
	{
		.name = "pid",
		.help = "pid\tThe process id of slotd\n"
			"pid NAME...\tThe process ids of processes\n"
			"pid all\tThe process ids of all processes, one a line",
		.run = cmd_pid,
		.flags = ALLOW_JSON,
		.completion = COMPLETE_WORKERS,
	},
	{
		.name = "quit",
		.help = "quit\tLeave the shell",
		.run = cmd_quit,
	},
	{
		.name = "reload",
		.help = "reload\tCheck the configuration and apply the difference; what did not "
			"change runs on",
		.run = cmd_reload,
		.flags = ALLOW_FORCE | ALLOW_JSON | NO_ARGUMENTS,
	},
	{
		.name = "remove",
		.help = "remove GROUP...\tForget groups that have stopped",
		.run = cmd_remove,
		.completion = COMPLETE_GROUPS,
	},
	{
		.name = "reopen",
		.help = "reopen\tClose and open all log files, for logrotate",
		.run = cmd_reopen,
		.flags = NO_ARGUMENTS | OURS,
	},
	{
		.name = "reread",
		.help = "reread\tRead the configuration and say which groups differ; change "
			"nothing",
		.run = cmd_reread,
		.flags = ALLOW_JSON | NO_ARGUMENTS,
	},
	{
		.name = "restart",
		.help = "restart NAME...\tStop and start processes; does not read the "
			"configuration\n"
			"restart GROUP:*\tAll processes of a group\n"
			"restart all\tAll processes",
		.run = cmd_restart,
		.flags = ALLOW_FORCE,
		.completion = COMPLETE_WORKERS,
	},
	{
		.name = "restart-daemon",
		.help = "restart-daemon\tStop everything, read the configuration, start again: "
			"what "
			"supervisorctl calls reload",
		.run = cmd_restart_daemon,
		.flags = ALLOW_FORCE | NO_ARGUMENTS | OURS,
	},
	{
		.name = "rollback",
		.help = "rollback SERVICE\tGo back to the slot that was live before",
		.run = cmd_rollback,
		.flags = ALLOW_JSON | ALLOW_WAIT | OURS,
		.completion = COMPLETE_SERVICES,
	},
	{
		.name = "shutdown",
		.help = "shutdown\tStop everything and end slotd",
		.run = cmd_shutdown,
		.flags = ALLOW_FORCE | NO_ARGUMENTS,
	},
	{
		.name = "signal",
		.help = "signal SIGNAL NAME...\tSignal processes\n"
			"signal SIGNAL GROUP:*\tAll processes of a group\n"
			"signal SIGNAL all\tAll processes",
		.run = cmd_signal,
		.completion = COMPLETE_WORKERS,
	},
	{
		.name = "slots",
		.help = "slots [SERVICE...]\tWho is live, who drains, how many connections",
		.run = cmd_slots,
		.flags = ALLOW_JSON | OURS,
		.completion = COMPLETE_SERVICES,
	},
	{
		.name = "start",
		.help = "start NAME...\tStart processes\n"
			"start GROUP:*\tAll processes of a group\n"
			"start all\tAll processes",
		.run = cmd_start,
		.completion = COMPLETE_WORKERS,
	},
	{
		.name = "status",
		.help = "status\tServices and processes, and what needs you\n"
			"status NAME...\tNamed processes, as supervisorctl prints them\n"
			"status GROUP:*\tAll processes of a group",
		.run = cmd_status,
		.flags = ALLOW_JSON,
		.completion = COMPLETE_WORKERS,
	},
	{
		.name = "stop",
		.help = "stop NAME...\tStop processes\n"
			"stop GROUP:*\tAll processes of a group\n"
			"stop all\tAll processes",
		.run = cmd_stop,
		.flags = ALLOW_FORCE,
		.completion = COMPLETE_WORKERS,
	},
	{
		.name = "swap",
		.help = "swap SERVICE\tStart the idle slot, check it, and send new connections to "
			"it",
		.run = cmd_swap,
		.flags = ALLOW_JSON | ALLOW_WAIT | OURS,
		.completion = COMPLETE_SERVICES,
	},
	{
		.name = "tail",
		.help = "tail [-f|-BYTES] NAME [stdout|stderr]\tThe end of a process' log; -f: and "
			"what comes",
		.run = cmd_tail,
		.completion = COMPLETE_WORKERS,
	},
	{
		.name = "update",
		.help = "update [GROUP...]\tRead the configuration, add, remove and restart what "
			"differs\n"
			"update --dry-run\tOnly say what it would do",
		.run = cmd_update,
		.flags = ALLOW_FORCE | ALLOW_DRY_RUN,
		.completion = COMPLETE_GROUPS,
	},
	{
		.name = "version",
		.help = "version\tThe version of Supervisor whose interface the server speaks",
		.run = cmd_version,
		.flags = ALLOW_JSON | NO_ARGUMENTS,
	},
	{
		.name = "EOF",
		.help = "EOF\tLeave the shell",
		.run = cmd_quit,
		.flags = HIDDEN,
	},
};
const size_t n_command_rows = ARRAY_SIZE(command_rows);

const struct command_row *command_find(const char *name)
{
	for (size_t i = 0; i < n_command_rows; i++) {
		if (strcmp(command_rows[i].name, name) == 0) {
			return &command_rows[i];
		}
	}
	return NULL;
}

/* ---- a line ---------------------------------------------------------------------------------- */

/* The command's name is made of letters, digits, _ and -; what follows is its argument. */
static size_t name_length(const char *line)
{
	size_t n = 0;

	while (isalnum((unsigned char)line[n]) || line[n] == '_' || line[n] == '-') {
		n++;
	}
	return n;
}

static void unknown(struct ctl *ctl, const char *line, const char *name)
{
	const char *names[ARRAY_SIZE(command_rows)], *near;
	size_t n = 0;

	printf("*** Unknown syntax: %s\n", line);
	ctl->exit_code = EXIT_GENERIC;
	for (size_t i = 0; i < n_command_rows; i++) {
		if (!(command_rows[i].flags & HIDDEN)) {
			names[n++] = command_rows[i].name;
		}
	}
	near = nearest_name(name, names, n);
	if (near) {
		(void)fflush(stdout);
		(void)fprintf(stderr, "slotctl: did you mean: slotctl %s\n", near);
	}
}

static void usage_error(struct ctl *ctl, const struct command_row *row, const char *why)
{
	printf("Error: %s\n", why);
	ctl->exit_code = row->flags & OURS ? EXIT_USAGE : EXIT_GENERIC;
	command_help(row->name);
}

static void run_row(struct ctl *ctl, const struct command_row *row, const char *argument)
{
	CLEANUP(words_done) struct words words = {0};
	struct diag diag = {0};
	char why[64];

	if (words_parse(&words, argument, row->flags, &diag) < 0) {
		usage_error(ctl, row, diag.text);
	} else if ((row->flags & NO_ARGUMENTS) && words.n > 0) {
		(void)snprintf(why, sizeof(why), "%s accepts no arguments", row->name);
		usage_error(ctl, row, why);
	} else {
		do {
			ctl->raised = ctl->wants_password = false;
			row->run(ctl, &words);
		} while (ctl->wants_password && session_ask_password(ctl));
	}
}

static char *stripped(const char *text)
{
	size_t len;

	while (isspace((unsigned char)*text)) {
		text++;
	}
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1])) {
		len--;
	}
	return strndup(text, len);
}

void command_line(struct ctl *ctl, const char *text)
{
	auto_free char *line = stripped(text), *name = NULL;
	const struct command_row *row;
	bool question = line && line[0] == '?';
	size_t n;

	if (!line || line[0] == '\0') {
		return;
	}
	n = question ? 1 : name_length(line);
	name = question ? strdup("help") : strndup(line, n);
	row = name && n > 0 ? command_find(name) : NULL;
	if (row) {
		run_row(ctl, row, line + n);
	} else {
		unknown(ctl, line, name ? name : "");
	}
}
