#pragma once

/** The functions of the commands, and how a line becomes a command and its words. */

#include "session.h"

#include <slotd/command.h>
#include <slotd/usec.h>

/** A command's arguments, split at blanks, and the options among them that its row allows. */
struct words {
	enum command command;
	char *buf;
	char **at;
	int n;
	bool json, force, now, dry_run, yes, detach, until_gate, rolling, test;
	usec_t wait; /* 0: not given */
};

/** What a command does. NULL only for what slotctl has no command for (slotd/command.h). */
typedef void command_fn(struct ctl *ctl, struct words *words);
command_fn *command_function(enum command c);

/** Runs one line as supervisorctl would. */
void command_line(struct ctl *ctl, const char *line);
/** Prints a command's help. */
void command_help(enum command c);

/**
 * A line's arguments, at blanks: quotes mean nothing, as in supervisorctl. -EINVAL with a sentence
 * for a bad option; -ENOMEM.
 */
int words_parse(struct words *w, const char *text, unsigned flags, struct diag *diag);
void words_done(struct words *w);
bool words_have(const struct words *w, const char *word);

/* ---- the commands (cmd_*.c) ---------------------------------------------------------------- */

command_fn cmd_ab, cmd_ask, cmd_add, cmd_attach, cmd_avail, cmd_canary, cmd_clear, cmd_deploy,
	cmd_drain, cmd_fg, cmd_freeze, cmd_help, cmd_history, cmd_import_check, cmd_leave,
	cmd_log_level, cmd_maintail, cmd_open, cmd_pid, cmd_promote, cmd_quit, cmd_releases,
	cmd_reload, cmd_remove, cmd_reopen, cmd_reread, cmd_restart, cmd_restart_daemon,
	cmd_upgrade, cmd_rollback, cmd_shutdown, cmd_signal, cmd_slots, cmd_start, cmd_status,
	cmd_stop, cmd_swap, cmd_tail, cmd_update, cmd_version, cmd_notify, cmd_offline, cmd_whoami,
	cmd_metrics;

/** restart --rolling. */
command_fn cmd_restart_rolling;

/** Reads the history, of these services if any are named. The array is the caller's; NULL: said
 * why. */
struct json_t *history_read(struct ctl *ctl, const struct words *services);
/** Returns a text of an entry, borrowed; "": it has none. */
const char *history_text(const struct json_t *entry, const char *name);
/** Writes when it began, for people; "" if that is no time. Returns buf. */
const char *history_when(const struct json_t *entry, char *buf, size_t size);
/** Appends in which step it failed, and why, as the end of its line. */
void history_add_failure(struct strbuf *to, const struct json_t *entry);
/** The release that the job words->at[1] of a service deployed. False: said why there is none. */
bool release_of_job(struct ctl *ctl, const struct words *words, char *buf, size_t size);
/** Is there such a service? If not it says so, and sets the exit code. */
bool service_is_known(struct ctl *ctl, enum command command, const char *name);
