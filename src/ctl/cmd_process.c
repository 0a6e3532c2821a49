/*
 * start, stop, restart, signal, clear: the same walk over names with different methods and words.
 */

#include "commands.h"
#include "guard.h"
#include "names.h"

#include <errno.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <string.h>

struct verb {
	const char *success;			       /* "started" */
	enum command command;			       /* without a method for groups: one by one */
	const char *result_texts[FAULT_STILL_RUNNING]; /* by fault */
	int ignored;				       /* fault that leaves the exit code alone */
	int no_group_code;			       /* exit code for an unknown group */
};

static const struct verb verb_start = {
	.success = "started",
	.command = COMMAND_START,
	.result_texts = {[FAULT_BAD_NAME] = "no such process",
			 [FAULT_NO_FILE] = "no such file",
			 [FAULT_NOT_EXECUTABLE] = "file is not executable",
			 [FAULT_ALREADY_STARTED] = "already started",
			 [FAULT_SPAWN_ERROR] = "spawn error",
			 [FAULT_ABNORMAL_TERMINATION] = "abnormal termination"},
	.ignored = FAULT_ALREADY_STARTED,
	.no_group_code = EXIT_USAGE,
};

static const struct verb verb_stop = {
	.success = "stopped",
	.command = COMMAND_STOP,
	.result_texts = {[FAULT_BAD_NAME] = "no such process", [FAULT_NOT_RUNNING] = "not running"},
	.ignored = FAULT_NOT_RUNNING,
	.no_group_code = EXIT_GENERIC,
};

static const struct verb verb_signal = {
	.success = "signalled",
	.command = COMMAND_SIGNAL,
	.result_texts = {[FAULT_BAD_NAME] = "no such process",
			 [FAULT_BAD_SIGNAL] = "bad signal name",
			 [FAULT_NOT_RUNNING] = "not running"},
	.no_group_code = EXIT_GENERIC,
};

static const struct verb verb_clear = {
	.success = "cleared",
	.command = COMMAND_CLEAR,
	.result_texts = {[FAULT_BAD_NAME] = "no such process", [FAULT_FAILED] = "failed"},
	.no_group_code = EXIT_GENERIC,
};

static int call(struct ctl *ctl, struct value *ret, struct diag *diag, const char *method,
		const char *name, const char *sig)
{
	if (!name) {
		return rpc_call(&ctl->rpc, ret, diag, method, sig ? "s" : "", sig);
	}
	return rpc_call(&ctl->rpc, ret, diag, method, sig ? "ss" : "s", name, sig);
}

static void print_success(const struct verb *verb, const char *spec)
{
	printf("%s: %s\n", spec, verb->success);
}

static void print_result(struct ctl *ctl, const struct verb *verb, const char *group,
			 const char *name, int code, const char *description)
{
	char spec[NAMESPEC_MAX];
	const char *text = NULL;

	(void)namespec_format(group, name, spec, sizeof(spec));
	session_result_code(ctl, code, verb->ignored);
	if (code == FAULT_SUCCESS) {
		print_success(verb, spec);
		return;
	}
	if (code >= 0 && (size_t)code < ARRAY_SIZE(verb->result_texts)) {
		text = verb->result_texts[code];
	}
	if (!text && code == FAULT_FAILED && verb != &verb_start) {
		printf("%s\n", description); /* supervisorctl shows this one bare */
	} else {
		printf("%s: ERROR (%s)\n", spec, text ? text : fault_sentence(code, description));
	}
}

static void print_results(struct ctl *ctl, const struct verb *verb, const struct value *results)
{
	value_for_each(result, results)
	{
		if (result->kind == VALUE_TEXT) { /* RESULTS_BRIEF */
			print_success(verb, value_str(result));
		} else {
			print_result(ctl, verb, value_text(result, "group"),
				     value_text(result, "name"), (int)value_int(result, "status"),
				     value_text(result, "description"));
		}
	}
}

static void act_on_all(struct ctl *ctl, const struct verb *verb, const char *sig)
{
	CLEANUP(value_done) struct value results = {0};
	struct diag diag = {0};
	int r = call(ctl, &results, &diag, command_method(verb->command, ABOUT_ALL), NULL, sig);

	if (r < 0) {
		session_unexpected(ctl, r, &diag);
	} else {
		print_results(ctl, verb, &results);
	}
}

static void no_such_group(struct ctl *ctl, const struct verb *verb, const char *group)
{
	printf("%s: ERROR (no such group)\n", group);
	ctl->exit_code = verb->no_group_code;
}

static void act_on_group(struct ctl *ctl, const struct verb *verb, const char *group,
			 const char *sig)
{
	CLEANUP(value_done) struct value results = {0};
	struct diag diag = {0};
	int r = call(ctl, &results, &diag, command_method(verb->command, ABOUT_GROUP), group, sig);

	if (r == -EREMOTE && ctl->rpc.fault.code == FAULT_BAD_NAME) {
		no_such_group(ctl, verb, group);
	} else if (r < 0) {
		session_unexpected(ctl, r, &diag);
	} else {
		print_results(ctl, verb, &results);
	}
}

static void act_on_one(struct ctl *ctl, const struct verb *verb, const char *name,
		       const struct namespec *spec, const char *sig)
{
	struct diag diag = {0};
	int r = call(ctl, NULL, &diag, command_row(verb->command)->methods[0].name, name, sig);

	if (r == 0) {
		print_result(ctl, verb, spec->group, spec->process, FAULT_SUCCESS, "");
	} else if (r == -EREMOTE) {
		print_result(ctl, verb, spec->group, spec->process, ctl->rpc.fault.code,
			     ctl->rpc.fault.text);
	} else {
		session_unexpected(ctl, r, &diag);
	}
}

/* For a verb without a method for groups. */
static void act_on_each(struct ctl *ctl, const struct verb *verb, const char *group)
{
	CLEANUP(value_done) struct value workers = {0};
	struct diag diag = {0};
	char name[NAMESPEC_MAX];
	bool found = false;
	int r = rpc_call(&ctl->rpc, &workers, &diag, "supervisor.getAllProcessInfo", "");

	if (r < 0) {
		session_unexpected(ctl, r, &diag);
		return;
	}
	value_for_each(w, &workers)
	{
		struct namespec spec = {(char *)value_text(w, "group"),
					(char *)value_text(w, "name")};

		if (strcmp(spec.group, group) == 0 && !ctl->raised) {
			found = true;
			(void)snprintf(name, sizeof(name), "%s:%s", spec.group, spec.process);
			act_on_one(ctl, verb, name, &spec, NULL);
		}
	}
	if (!found) {
		no_such_group(ctl, verb, group);
	}
}

static void act(struct ctl *ctl, const struct verb *verb, char *const names[], int n,
		const char *sig)
{
	for (int i = 0; i < n && !ctl->raised; i++) {
		CLEANUP(namespec_done) struct namespec spec = {0};

		if (namespec_parse(&spec, names[i]) < 0) {
			session_unexpected(ctl, -ENOMEM, NULL);
		} else if (spec.process) {
			act_on_one(ctl, verb, names[i], &spec, sig);
		} else if (command_method(verb->command, ABOUT_GROUP)) {
			act_on_group(ctl, verb, spec.group, sig);
		} else {
			act_on_each(ctl, verb, spec.group);
		}
	}
}

static void run(struct ctl *ctl, const struct verb *verb, const struct words *words)
{
	if (words_have(words, "all")) {
		act_on_all(ctl, verb, NULL);
	} else {
		act(ctl, verb, words->at, words->n, NULL);
	}
}

static bool names_given(struct ctl *ctl, const struct words *words, enum command command,
			int exit_code)
{
	if (words->n > 0) {
		return true;
	}
	printf("Error: %s requires a process name\n", command_name(command));
	ctl->exit_code = exit_code;
	command_help(command);
	return false;
}

void cmd_start(struct ctl *ctl, struct words *words)
{
	if (session_up(ctl) && names_given(ctl, words, COMMAND_START, EXIT_USAGE)) {
		run(ctl, &verb_start, words);
	}
}

void cmd_stop(struct ctl *ctl, struct words *words)
{
	if (session_up(ctl) && names_given(ctl, words, COMMAND_STOP, EXIT_GENERIC) &&
	    guard_live(ctl, words, "stop")) {
		run(ctl, &verb_stop, words);
	}
}

void cmd_restart(struct ctl *ctl, struct words *words)
{
	if (words->rolling) {
		cmd_restart_rolling(ctl, words);
		return;
	}
	if (!session_up(ctl) || !names_given(ctl, words, COMMAND_RESTART, EXIT_GENERIC) ||
	    !guard_live(ctl, words, "restart")) {
		return;
	}
	run(ctl, &verb_stop, words);
	if (!ctl->raised) {
		run(ctl, &verb_start, words);
	}
}

void cmd_clear(struct ctl *ctl, struct words *words)
{
	if (session_up(ctl) && names_given(ctl, words, COMMAND_CLEAR, EXIT_GENERIC)) {
		run(ctl, &verb_clear, words);
	}
}

void cmd_signal(struct ctl *ctl, struct words *words)
{
	if (!session_up(ctl)) {
		return;
	}
	if (words->n < 2) {
		printf("Error: signal requires a signal name and a process name\n");
		ctl->exit_code = EXIT_GENERIC;
		command_help(COMMAND_SIGNAL);
		return;
	}
	for (int i = 1; i < words->n; i++) {
		if (strcmp(words->at[i], "all") == 0) {
			act_on_all(ctl, &verb_signal, words->at[0]);
			return;
		}
	}
	act(ctl, &verb_signal, words->at + 1, words->n - 1, words->at[0]);
}
