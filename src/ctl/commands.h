#pragma once

/** The commands: one row each, and how a line becomes a command and its words. */

#include "session.h"

#include <slotd/usec.h>

/** A command's arguments, split at blanks, and the options among them that its row allows. */
struct words {
	char *buf;
	char **at;
	int n;
	bool json, force, now, dry_run;
	usec_t wait; /* 0: not given */
};

enum completion {
	COMPLETE_NOTHING,
	COMPLETE_COMMANDS,
	COMPLETE_GROUPS,
	COMPLETE_WORKERS,
	COMPLETE_SERVICES,
};

/* Which options a command takes among its words. */
enum {
	ALLOW_JSON = 1 << 0,
	ALLOW_FORCE = 1 << 1,
	ALLOW_WAIT = 1 << 2,
	ALLOW_NOW = 1 << 3,
	ALLOW_DRY_RUN = 1 << 4,
	NO_ARGUMENTS = 1 << 5, /* Supervisor's sentence when it gets one */
	OURS = 1 << 6,	       /* not a command of supervisorctl: a wrong word is a usage error */
	HIDDEN = 1 << 7,       /* not listed by help */
};

struct command_row {
	const char *name;
	const char *help; /* lines "COMMAND ARGUMENTS<TAB>what it does" */
	void (*run)(struct ctl *ctl, struct words *words);
	unsigned flags;
	enum completion completion;
};

extern const struct command_row command_rows[];
extern const size_t n_command_rows;

const struct command_row *command_find(const char *name);
/** Runs one line as supervisorctl would. */
void command_line(struct ctl *ctl, const char *line);
/** Prints a command's help. */
void command_help(const char *name);

/**
 * A line's arguments, at blanks: quotes mean nothing, as in supervisorctl. -EINVAL with a sentence
 * for a bad option; -ENOMEM.
 */
int words_parse(struct words *w, const char *text, unsigned flags, struct diag *diag);
void words_done(struct words *w);
bool words_have(const struct words *w, const char *word);

/* ---- the commands (cmd_*.c) ---------------------------------------------------------------- */

void cmd_status(struct ctl *ctl, struct words *words);
void cmd_start(struct ctl *ctl, struct words *words);
void cmd_stop(struct ctl *ctl, struct words *words);
void cmd_restart(struct ctl *ctl, struct words *words);
void cmd_signal(struct ctl *ctl, struct words *words);
void cmd_clear(struct ctl *ctl, struct words *words);
void cmd_pid(struct ctl *ctl, struct words *words);
void cmd_version(struct ctl *ctl, struct words *words);
void cmd_shutdown(struct ctl *ctl, struct words *words);
void cmd_restart_daemon(struct ctl *ctl, struct words *words);
void cmd_fg(struct ctl *ctl, struct words *words);
void cmd_tail(struct ctl *ctl, struct words *words);
void cmd_maintail(struct ctl *ctl, struct words *words);
void cmd_avail(struct ctl *ctl, struct words *words);
void cmd_reread(struct ctl *ctl, struct words *words);
void cmd_add(struct ctl *ctl, struct words *words);
void cmd_remove(struct ctl *ctl, struct words *words);
void cmd_update(struct ctl *ctl, struct words *words);
void cmd_reload(struct ctl *ctl, struct words *words);
void cmd_slots(struct ctl *ctl, struct words *words);
void cmd_swap(struct ctl *ctl, struct words *words);
void cmd_rollback(struct ctl *ctl, struct words *words);
void cmd_deploy(struct ctl *ctl, struct words *words);
void cmd_attach(struct ctl *ctl, struct words *words);
void cmd_abort(struct ctl *ctl, struct words *words);
void cmd_drain(struct ctl *ctl, struct words *words);
/** Is there such a service? If not it says so, and sets the exit code. */
bool service_is_known(struct ctl *ctl, const char *command, const char *name);
void cmd_history(struct ctl *ctl, struct words *words);
void cmd_import_check(struct ctl *ctl, struct words *words);
void cmd_leave(struct ctl *ctl, struct words *words);
void cmd_log_level(struct ctl *ctl, struct words *words);
void cmd_reopen(struct ctl *ctl, struct words *words);
void cmd_open(struct ctl *ctl, struct words *words);
void cmd_help(struct ctl *ctl, struct words *words);
void cmd_quit(struct ctl *ctl, struct words *words);
