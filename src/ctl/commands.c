#include "commands.h"

#include <ctype.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static command_fn *const functions[COMMAND_MAX_] = {
	[COMMAND_ADD] = cmd_add,
	[COMMAND_ATTACH] = cmd_attach,
	[COMMAND_AVAIL] = cmd_avail,
	[COMMAND_CLEAR] = cmd_clear,
	[COMMAND_DEPLOY] = cmd_deploy,
	[COMMAND_DRAIN] = cmd_drain,
	[COMMAND_EOF] = cmd_quit,
	[COMMAND_EXIT] = cmd_quit,
	[COMMAND_FG] = cmd_fg,
	[COMMAND_FREEZE] = cmd_freeze,
	[COMMAND_HELP] = cmd_help,
	[COMMAND_HISTORY] = cmd_history,
	[COMMAND_IMPORT_CHECK] = cmd_import_check,
	[COMMAND_LEAVE] = cmd_leave,
	[COMMAND_LOG_LEVEL] = cmd_log_level,
	[COMMAND_MAINTAIL] = cmd_maintail,
	[COMMAND_METRICS] = cmd_metrics,
	[COMMAND_NOTIFY] = cmd_notify,
	[COMMAND_OFFLINE] = cmd_offline,
	[COMMAND_OPEN] = cmd_open,
	[COMMAND_PID] = cmd_pid,
	[COMMAND_QUIT] = cmd_quit,
	[COMMAND_RELEASES] = cmd_releases,
	[COMMAND_RELOAD] = cmd_reload,
	[COMMAND_REMOVE] = cmd_remove,
	[COMMAND_REOPEN] = cmd_reopen,
	[COMMAND_REREAD] = cmd_reread,
	[COMMAND_RESTART] = cmd_restart,
	[COMMAND_RESTART_DAEMON] = cmd_restart_daemon,
	[COMMAND_ROLLBACK] = cmd_rollback,
	[COMMAND_SHUTDOWN] = cmd_shutdown,
	[COMMAND_SIGNAL] = cmd_signal,
	[COMMAND_SLOTS] = cmd_slots,
	[COMMAND_START] = cmd_start,
	[COMMAND_STATUS] = cmd_status,
	[COMMAND_STOP] = cmd_stop,
	[COMMAND_SWAP] = cmd_swap,
	[COMMAND_CANARY] = cmd_canary,
	[COMMAND_PROMOTE] = cmd_promote,
	[COMMAND_AB] = cmd_ab,
	[COMMAND_TAIL] = cmd_tail,
	[COMMAND_UPDATE] = cmd_update,
	[COMMAND_UPGRADE] = cmd_upgrade,
	[COMMAND_VERSION] = cmd_version,
	[COMMAND_WHOAMI] = cmd_whoami,
};

command_fn *command_function(enum command c)
{
	const struct command_row *row = command_row(c);

	return !row ? NULL : row->done ? cmd_ask : functions[c];
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
	enum command all[COMMAND_MAX_];
	const char *names[COMMAND_MAX_], *near;
	size_t n = 0, n_all = commands_by_name(all);

	printf("*** Unknown syntax: %s\n", line);
	ctl->exit_code = EXIT_GENERIC;
	for (size_t i = 0; i < n_all; i++) {
		if (!(command_row(all[i])->flags & HIDDEN)) {
			names[n++] = command_name(all[i]);
		}
	}
	near = nearest_name(name, names, n);
	if (near) {
		(void)fflush(stdout);
		(void)fprintf(stderr, "slotctl: did you mean: slotctl %s\n", near);
	}
}

static void usage_error(struct ctl *ctl, enum command c, const char *why)
{
	printf("Error: %s\n", why);
	ctl->exit_code = command_row(c)->flags & OURS ? EXIT_USAGE : EXIT_GENERIC;
	command_help(c);
}

/* Nothing was done, and it must not look as if it was. */
static void no_memory(struct ctl *ctl)
{
	(void)fprintf(stderr, "Error: %s\n", strerror(ENOMEM));
	ctl->exit_code = EXIT_GENERIC;
}

static void run_command(struct ctl *ctl, enum command c, const char *argument)
{
	CLEANUP(words_done) struct words words = {0};
	unsigned flags = command_row(c)->flags;
	struct diag diag = {0};
	char why[64];
	int r = words_parse(&words, argument, flags, &diag);

	if (r == -ENOMEM) {
		no_memory(ctl);
	} else if (r < 0) {
		usage_error(ctl, c, diag.text);
	} else if ((flags & NO_ARGUMENTS) && words.n > 0) {
		(void)snprintf(why, sizeof(why), "%s accepts no arguments", command_name(c));
		usage_error(ctl, c, why);
	} else {
		words.command = c;
		do {
			ctl->raised = ctl->wants_password = false;
			command_function(c)(ctl, &words);
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
	enum command c;
	bool question = line && line[0] == '?';
	size_t n;

	if (!line) {
		no_memory(ctl);
		return;
	}
	if (line[0] == '\0') {
		return;
	}
	n = question ? 1 : name_length(line);
	name = question ? strdup("help") : strndup(line, n);
	if (!name) {
		no_memory(ctl);
		return;
	}
	c = n > 0 ? command_find(name) : COMMAND_NONE;
	if (c != COMMAND_NONE) {
		run_command(ctl, c, line + n);
	} else {
		unknown(ctl, line, name);
	}
}
