/* tail, maintail: what processes and the daemon wrote. */

#include "commands.h"
#include "interrupt.h"

#include <errno.h>
#include <limits.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TAIL_BYTES = 1600, /* supervisorctl's default */
};

static void fail(struct ctl *ctl, enum command help, const char *fmt, const char *arg)
{
	printf("Error: ");
	printf(fmt, arg);
	(void)putchar('\n');
	ctl->exit_code = EXIT_GENERIC;
	if (help != COMMAND_NONE) {
		command_help(help);
	}
}

/* "-f" or "-1600". 0 or -EINVAL. */
static int read_modifier(const char *text, bool *ret_follow, int *ret_bytes)
{
	char *end;
	long n;

	if (strcmp(text, "-f") == 0) {
		*ret_follow = true;
		return 0;
	}
	errno = 0;
	n = strtol(text + 1, &end, 10);
	if (end == text + 1 || *end || errno != 0 || n > INT_MAX || n < -INT_MAX) {
		return -EINVAL;
	}
	*ret_bytes = (int)n;
	return 0;
}

static int write_out(void *data, const char *bytes, size_t len)
{
	(void)data;
	if (fwrite(bytes, 1, len, stdout) != len || fflush(stdout) != 0) {
		return -EPIPE;
	}
	return 0;
}

static void follow(struct ctl *ctl, const char *path)
{
	CLEANUP(interrupt_done) struct interrupt interrupt = {0};
	rpc_tick_fn *tick = ctl->rpc.tick;
	struct diag diag = {0};
	int r;

	printf("==> Press Ctrl-C to exit <==\n");
	interrupt_init(&interrupt, &ctl->rpc);
	ctl->rpc.tick = NULL; /* a quiet log is no wait */
	r = rpc_stream(&ctl->rpc, path, write_out, NULL, &diag);
	ctl->rpc.tick = tick;
	if (r == -EINTR && interrupt_taken()) {
		(void)putchar('\n');
	} else if (r == -EPROTO && ctl->rpc.http_status != 0) {
		(void)fprintf(stderr, "%s%s Cannot read, status code %u\n", ctl->options->url, path,
			      ctl->rpc.http_status);
	} else if (r < 0) {
		(void)fprintf(stderr, "%s%s %s\n", ctl->options->url, path, diag.text);
	}
}

static void print_log(struct ctl *ctl, int r, const struct value *text, const char *name,
		      const struct diag *diag)
{
	static const struct {
		int fault;
		const char *text;
	} rows[] = {
		{FAULT_NO_FILE, "no log file"},
		{FAULT_FAILED, "unknown error reading log"},
		{FAULT_BAD_NAME, "no such process name"},
	};

	if (r == 0) {
		(void)fwrite(value_str(text), 1, text->text_len, stdout);
		(void)putchar('\n');
		return;
	}
	for (size_t i = 0; r == -EREMOTE && i < ARRAY_SIZE(rows); i++) {
		if (rows[i].fault == ctl->rpc.fault.code) {
			printf("%s: ERROR (%s)\n", name, rows[i].text);
			ctl->exit_code = EXIT_GENERIC;
			return;
		}
	}
	session_unexpected(ctl, r, diag);
}

static void show_tail(struct ctl *ctl, const char *name, const char *channel, int bytes)
{
	CLEANUP(value_done) struct value text = {0};
	struct diag diag = {0};
	bool out = strcmp(channel, "stdout") == 0;
	int r = rpc_call(&ctl->rpc, &text, &diag,
			 out ? "supervisor.readProcessStdoutLog"
			     : "supervisor.readProcessStderrLog",
			 "sii", name, -bytes, 0);

	print_log(ctl, r, &text, name, &diag);
}

static void follow_process(struct ctl *ctl, const char *name, const char *channel)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};

	http_add_path(&path, "/logtail/", name);
	(void)strbuf_addf(&path, "/%s", channel);
	follow(ctl, strbuf_str(&path));
}

void cmd_tail(struct ctl *ctl, struct words *words)
{
	bool modified = words->n > 0 && words->at[0][0] == '-', follows = false;
	char *const *args = words->at + modified;
	int n = words->n - modified, bytes = TAIL_BYTES;
	const char *channel = n > 1 ? args[n - 1] : "stdout";

	if (!session_up(ctl)) {
		return;
	}
	if (words->n < 1 || words->n > 3) {
		fail(ctl, COMMAND_TAIL, "too %s arguments", words->n < 1 ? "few" : "many");
	} else if (n == 0) {
		fail(ctl, COMMAND_NONE, "tail requires process name%s", "");
	} else if (strcasecmp(channel, "stdout") != 0 && strcasecmp(channel, "stderr") != 0) {
		fail(ctl, COMMAND_NONE, "bad channel '%s'", channel);
	} else if (modified && read_modifier(words->at[0], &follows, &bytes) < 0) {
		fail(ctl, COMMAND_NONE, "bad argument %s", words->at[0]);
	} else if (follows) {
		follow_process(ctl, args[0],
			       strcasecmp(channel, "stderr") == 0 ? "stderr" : "stdout");
	} else {
		show_tail(ctl, args[0], strcasecmp(channel, "stderr") == 0 ? "stderr" : "stdout",
			  bytes);
	}
}

void cmd_maintail(struct ctl *ctl, struct words *words)
{
	CLEANUP(value_done) struct value text = {0};
	bool follows = false;
	int bytes = TAIL_BYTES, r;
	struct diag diag = {0};

	if (!session_up(ctl)) {
		return;
	}
	if (words->n > 1) {
		fail(ctl, COMMAND_MAINTAIL, "too many arguments%s", "");
	} else if (words->n == 1 &&
		   (words->at[0][0] != '-' || read_modifier(words->at[0], &follows, &bytes) < 0)) {
		fail(ctl, COMMAND_NONE, "bad argument %s", words->at[0]);
	} else if (follows) {
		follow(ctl, "/mainlogtail");
	} else {
		r = rpc_call(&ctl->rpc, &text, &diag, "supervisor.readLog", "ii", -bytes, 0);
		print_log(ctl, r, &text, "supervisord", &diag);
	}
}
