/* Commands about the daemon itself: pid, version, shutdown, restart-daemon. */

#include "commands.h"
#include "guard.h"
#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void pid_of_daemon(struct ctl *ctl, bool json)
{
	CLEANUP(value_done) struct value pid = {0};
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, &pid, &diag, "supervisor.getPID", "");

	if (r < 0) {
		session_unexpected(ctl, r, &diag);
	} else {
		printf(json ? "{\"pid\": %lld}\n" : "%lld\n", (long long)pid.number);
	}
}

static void pid_of_all(struct ctl *ctl, bool json)
{
	CLEANUP(value_done) struct value all = {0};
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, &all, &diag, "supervisor.getAllProcessInfo", "");

	if (r < 0) {
		session_unexpected(ctl, r, &diag);
	} else if (json) {
		json_print_members(&all, (const char *const[]){"group", "name", "pid", NULL});
	} else {
		value_for_each(worker, &all)
		{
			printf("%lld\n", (long long)value_int(worker, "pid"));
		}
	}
}

static void pid_of_one(struct ctl *ctl, const char *name)
{
	CLEANUP(value_done) struct value worker = {0};
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, &worker, &diag, "supervisor.getProcessInfo", "s", name);

	if (r == -EREMOTE && ctl->rpc.fault.code == FAULT_BAD_NAME) {
		printf("No such process %s\n", name);
		ctl->exit_code = EXIT_GENERIC;
	} else if (r < 0) {
		session_unexpected(ctl, r, &diag);
	} else {
		printf("%lld\n", (long long)value_int(&worker, "pid"));
		if (value_int(&worker, "pid") == 0) {
			ctl->exit_code = EXIT_NOT_RUNNING;
		}
	}
}

void cmd_pid(struct ctl *ctl, struct words *words)
{
	if (!session_up(ctl)) {
		return;
	}
	if (words->n == 0) {
		pid_of_daemon(ctl, words->json);
	} else if (words_have(words, "all")) {
		pid_of_all(ctl, words->json);
	} else {
		for (int i = 0; i < words->n && !ctl->raised; i++) {
			pid_of_one(ctl, words->at[i]);
		}
	}
}

void cmd_whoami(struct ctl *ctl, struct words *words)
{
	CLEANUP(value_done) struct value reply = {0};
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, &reply, &diag, command_method(words->command, ABOUT_NOTHING),
			 "");

	if (r < 0) {
		session_own_failed(ctl, r, &diag, false);
	} else {
		printf("%s\n", value_str(&reply));
	}
}

/* Whole or not at all: it may be written to a file that a monitoring system reads. */
void cmd_metrics(struct ctl *ctl, struct words *words)
{
	CLEANUP(strbuf_done) struct strbuf page = {0};
	struct diag diag = {0};
	int r = rpc_get(&ctl->rpc, "/metrics", &page, &diag);

	(void)words;
	if (r < 0 && ctl->rpc.http_status == 403) {
		(void)fprintf(stderr,
			      "slotctl: this needs the role metrics, as by allow=metrics:USER "
			      "in [slotd]. slotctl whoami says what you may do\n");
		ctl->exit_code = EXIT_SWAP_FAILED;
	} else if (r < 0) {
		session_own_failed(ctl, r, &diag, false);
	} else {
		(void)fwrite(strbuf_str(&page), 1, page.len, stdout);
	}
}

void cmd_version(struct ctl *ctl, struct words *words)
{
	CLEANUP(value_done) struct value version = {0};
	struct diag diag = {0};
	int r;

	if (!session_up(ctl)) {
		return;
	}
	r = rpc_call(&ctl->rpc, &version, &diag, "supervisor.getSupervisorVersion", "");
	if (r < 0) {
		session_unexpected(ctl, r, &diag);
	} else if (words->json) {
		json_print_texts((const char *const[]){"supervisor", value_str(&version), "slotctl",
						       SLOTD_VERSION, NULL});
	} else {
		printf("%s\n", value_str(&version));
	}
}

void cmd_shutdown(struct ctl *ctl, struct words *words)
{
	struct diag diag = {0};
	int r;

	if ((ctl->options->interactive &&
	     !session_ask("Really shut the remote supervisord process down")) ||
	    !guard_all_live(ctl, words, "stop")) {
		return;
	}
	r = rpc_call(&ctl->rpc, NULL, &diag, "supervisor.shutdown", "");
	if (r == 0) {
		printf("Shut down\n");
	} else if (r == -EREMOTE && ctl->rpc.fault.code == FAULT_SHUTDOWN_STATE) {
		printf("ERROR: already shutting down\n");
	} else if (r == -ECONNREFUSED || r == -ENOENT) {
		printf("ERROR: %s %s (already shut down?)\n", ctl->options->url,
		       r == -ENOENT ? "no such file" : "refused connection");
		ctl->exit_code = EXIT_GENERIC;
	} else {
		session_unexpected(ctl, r, &diag);
	}
}

void cmd_restart_daemon(struct ctl *ctl, struct words *words)
{
	struct diag diag = {0};
	int r;

	if ((ctl->options->interactive &&
	     !session_ask("Really restart the remote supervisord process")) ||
	    !guard_all_live(ctl, words, "restart")) {
		return;
	}
	r = rpc_call(&ctl->rpc, NULL, &diag, "slotd.restartDaemon", "");
	if (session_method_unknown(ctl, r)) {
		r = rpc_call(&ctl->rpc, NULL, &diag, "supervisor.restart", "");
	}
	if (r == 0) {
		printf("Restarted %s\n", ctl->own_methods_unknown ? "supervisord" : "slotd");
	} else if (r == -EREMOTE && ctl->rpc.fault.code == FAULT_SHUTDOWN_STATE) {
		printf("ERROR: already shutting down\n");
		ctl->exit_code = EXIT_GENERIC;
	} else {
		session_unexpected(ctl, r, &diag);
	}
}

/* ---- upgrade */

enum {
	UPGRADE_LOOKS = 600, /* a tenth of a second apart */
};

/* The state of the daemon, or -errno while it cannot be asked. */
static int ask_daemon(struct ctl *ctl, struct value *ret, struct diag *diag)
{
	*ret = (struct value){0};
	return rpc_call(&ctl->rpc, ret, diag, "slotd.status", "");
}

static bool say_upgraded(const struct value *daemon, const struct value *before)
{
	const char *version = value_text(daemon, "version");

	if (*value_text(daemon, "note")) {
		(void)fprintf(stderr, "slotctl: NOT upgraded, version %s goes on: %s\n", version,
			      value_text(daemon, "note"));
		return false;
	}
	if (value_int(daemon, "upgrades") != value_int(before, "upgrades") + 1) {
		(void)fprintf(stderr,
			      "slotctl: slotd (pid %" PRId64 ") ended during the upgrade, and "
			      "another one (pid %" PRId64 ", version %s) runs: see its log\n",
			      value_int(before, "pid"), value_int(daemon, "pid"), version);
		return false;
	}
	printf("Upgraded to version %s\n", version);
	return true;
}

/* Is it another start of slotd, or has it given up? */
static bool is_another(const struct value *daemon, const struct value *before)
{
	return value_int(daemon, "pid") != value_int(before, "pid") ||
	       value_int(daemon, "since") != value_int(before, "since") ||
	       value_int(daemon, "upgrades") != value_int(before, "upgrades") ||
	       strcmp(value_text(daemon, "note"), value_text(before, "note")) != 0;
}

/* slotd-control is another after the upgrade: meanwhile nobody answers. */
static bool await_upgrade(struct ctl *ctl, const struct value *before)
{
	const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};

	for (int i = 0; i < UPGRADE_LOOKS && !ctl->raised; i++) {
		CLEANUP(value_done) struct value status = {0};
		const struct value *daemon;

		(void)nanosleep(&pause, NULL);
		if (ask_daemon(ctl, &status, NULL) < 0) {
			continue;
		}
		daemon = value_member(&status, "daemon");
		if (value_true(daemon, "alive") && is_another(daemon, before)) {
			return say_upgraded(daemon, before);
		}
	}
	(void)fprintf(stderr, "slotctl: slotd has not come back after the upgrade: see its log\n");
	return false;
}

void cmd_upgrade(struct ctl *ctl, struct words *words)
{
	CLEANUP(value_done) struct value status = {0};
	struct diag diag = {0};
	int r = ask_daemon(ctl, &status, &diag);

	if (r == 0) {
		r = rpc_call(&ctl->rpc, NULL, &diag, "slotd.upgrade", words->force ? "b" : "", 1);
	}
	if (r == -EREMOTE && ctl->rpc.fault.code == FAULT_UP_TO_DATE) {
		printf("slotd is up to date\n");
	} else if (r < 0) {
		session_own_failed(ctl, r, &diag, true);
	} else if (!await_upgrade(ctl, value_member(&status, "daemon"))) {
		ctl->exit_code = EXIT_SWAP_FAILED;
	}
}

/* ---- slotd's own log ------------------------------------------------------------------------ */

void cmd_log_level(struct ctl *ctl, struct words *words)
{
	struct diag diag = {0};
	int r;

	if (words->n != 1) {
		(void)fprintf(stderr,
			      "slotctl: log-level needs a level: error, warn, info or debug\n");
		command_help(COMMAND_LOG_LEVEL);
		ctl->exit_code = EXIT_USAGE;
		return;
	}
	r = rpc_call(&ctl->rpc, NULL, &diag, "slotd.logLevel", "s", words->at[0]);
	if (r < 0) {
		session_own_failed(ctl, r, &diag, true);
	} else {
		printf("slotd now logs messages of level %s and above\n", words->at[0]);
	}
}

void cmd_reopen(struct ctl *ctl, struct words *words)
{
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, NULL, &diag, "slotd.reopenLogs", "");

	(void)words;
	if (r < 0) {
		session_own_failed(ctl, r, &diag, true);
	} else {
		printf("Logs reopened\n");
	}
}

/* ---- another server -------------------------------------------------------------------------- */

void cmd_open(struct ctl *ctl, struct words *words)
{
	const char *url = words->n > 0 ? words->at[0] : "";
	int before = ctl->exit_code;
	struct words none = {0};
	struct diag diag = {0};
	char *copy;

	if (rpc_open(&ctl->rpc, url, ctl->options->username, ctl->options->password, &diag) < 0) {
		printf("ERROR: url must be http:// or unix://\n");
		ctl->exit_code = EXIT_GENERIC;
		return;
	}
	copy = strdup(url);
	if (!copy) {
		session_unexpected(ctl, -ENOMEM, NULL);
		return;
	}
	free(ctl->options->url);
	ctl->options->url = copy;
	ctl->options->own_socket = false;
	ctl->own_methods_unknown = false;
	cmd_status(ctl, &none);
	if (!ctl->raised) {
		ctl->exit_code = before; /* so does supervisorctl */
	}
}
