/*
 * fg: a process in the foreground. Its two logs stream in, each line typed goes to its stdin. It
 * is polled from one place: what was typed, both streams, Ctrl-C.
 */

#include "commands.h"
#include "interrupt.h"
#include "stream.h"
#include "view.h"

#include <errno.h>
#include <poll.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	STDOUT_STREAM,
	STDERR_STREAM,
	N_STREAMS,
	STDIN_POLL = N_STREAMS,
	N_POLLS,
	INPUT_MAX = 64 * 1024,
};

struct foreground {
	struct ctl *ctl;
	const char *name;
	struct stream streams[N_STREAMS];
	struct strbuf line; /* typed, not ended yet */
	bool ended;
};

static void foreground_done(struct foreground *fg)
{
	for (int i = 0; i < N_STREAMS; i++) {
		stream_done(&fg->streams[i]);
	}
	strbuf_done(&fg->line);
}

static int write_out(void *data, const char *bytes, size_t len)
{
	(void)data;
	return fwrite(bytes, 1, len, stdout) == len && fflush(stdout) == 0 ? 0 : -EPIPE;
}

static void leave(struct foreground *fg, const char *why)
{
	if (why) {
		printf("%s\n", why);
	}
	printf("Exiting foreground\n");
	fg->ended = true;
}

/* A process without this log has no such stream: the other one goes on. */
static void open_streams(struct foreground *fg)
{
	static const char *const channels[N_STREAMS] = {"stdout", "stderr"};

	for (int i = 0; i < N_STREAMS; i++) {
		CLEANUP(strbuf_done) struct strbuf path = {0};
		struct diag diag = {0};

		http_add_path(&path, "/logtail/", fg->name);
		(void)strbuf_addf(&path, "/%s", channels[i]);
		if (stream_open(&fg->streams[i], &fg->ctl->rpc.target, strbuf_str(&path), &diag) <
		    0) {
			(void)fprintf(stderr, "slotctl: %s\n", diag.text);
		}
	}
}

/* ---- what was typed ----------------------------------------------------------------------------
 */

static bool still_running(struct foreground *fg)
{
	CLEANUP(value_done) struct value info = {0};
	struct diag diag = {0};
	int r = rpc_call(&fg->ctl->rpc, &info, &diag, "supervisor.getProcessInfo", "s", fg->name);

	if (r < 0) {
		session_unexpected(fg->ctl, r, &diag);
	}
	return r == 0 && worker_state_of(&info) == WORKER_RUNNING;
}

static void send_line(struct foreground *fg, const char *line)
{
	struct diag diag = {0};
	int r = rpc_call(&fg->ctl->rpc, NULL, &diag, "supervisor.sendProcessStdin", "ss", fg->name,
			 line);

	if (r == -EREMOTE && fg->ctl->rpc.fault.code == FAULT_NOT_RUNNING) {
		leave(fg, "Process got killed");
	} else if (r == -EREMOTE) {
		printf("ERROR: <Fault %d: '%s'>\n", fg->ctl->rpc.fault.code,
		       fg->ctl->rpc.fault.text);
		leave(fg, NULL);
	} else if (r < 0) {
		session_unexpected(fg->ctl, r, &diag);
		leave(fg, NULL);
	} else if (!still_running(fg)) {
		leave(fg, "Process got killed");
	}
}

static void send_whole_lines(struct foreground *fg)
{
	CLEANUP(strbuf_done) struct strbuf typed = fg->line;
	char *at = typed.data, *newline;

	fg->line = (struct strbuf){.max = INPUT_MAX};
	while (!fg->ended && at && (newline = strchr(at, '\n')) != NULL) {
		char first = newline[1];

		newline[1] = '\0';
		send_line(fg, at);
		newline[1] = first;
		at = newline + 1;
	}
	(void)strbuf_adds(&fg->line, at ? at : "");
}

static void read_input(struct foreground *fg)
{
	char buf[4096];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
		return;
	}
	if (n <= 0 || memchr(buf, '\0', (size_t)n)) { /* Ctrl-D; XML cannot carry a NUL */
		leave(fg, NULL);
		return;
	}
	if (strbuf_add(&fg->line, buf, (size_t)n) < 0) {
		leave(fg, "ERROR: the line is too long");
		return;
	}
	send_whole_lines(fg);
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

static void read_stream(struct foreground *fg, int i)
{
	if (stream_read(&fg->streams[i], write_out, NULL) <= 0) {
		stream_done(&fg->streams[i]);
	}
}

static void run(struct foreground *fg)
{
	while (!fg->ended) {
		struct pollfd polls[N_POLLS] = {
			[STDOUT_STREAM] = {fg->streams[STDOUT_STREAM].fd, POLLIN, 0},
			[STDERR_STREAM] = {fg->streams[STDERR_STREAM].fd, POLLIN, 0},
			[STDIN_POLL] = {STDIN_FILENO, POLLIN, 0},
		};

		(void)fflush(stdout);
		if (ppoll(polls, N_POLLS, NULL, fg->ctl->rpc.wait_mask) < 0) {
			leave(fg, NULL); /* Ctrl-C */
			return;
		}
		for (int i = 0; i < N_STREAMS; i++) {
			if (polls[i].revents) {
				read_stream(fg, i);
			}
		}
		if (polls[STDIN_POLL].revents) {
			read_input(fg);
		}
	}
}

/* Is there one name, and does it run? */
static bool may_begin(struct ctl *ctl, const struct words *words)
{
	CLEANUP(value_done) struct value info = {0};
	struct diag diag = {0};
	const char *why = NULL;
	int r;

	if (words->n != 1) {
		why = words->n == 0 ? "no process name supplied"
				    : "too many process names supplied";
	} else {
		r = rpc_call(&ctl->rpc, &info, &diag, "supervisor.getProcessInfo", "s",
			     words->at[0]);
		if (r < 0 && r != -EREMOTE) {
			session_unexpected(ctl, r, &diag);
			return false;
		}
		if (r == -EREMOTE) {
			why = ctl->rpc.fault.code == FAULT_BAD_NAME ? "bad process name supplied"
								    : ctl->rpc.fault.text;
		} else if (worker_state_of(&info) != WORKER_RUNNING) {
			why = "process not running";
		}
	}
	if (!why) {
		return true;
	}
	printf("ERROR: %s\n", why);
	ctl->exit_code = EXIT_GENERIC;
	if (words->n == 0) {
		command_help(COMMAND_FG);
	}
	return false;
}

void cmd_fg(struct ctl *ctl, struct words *words)
{
	CLEANUP(interrupt_done) struct interrupt interrupt = {0};
	CLEANUP(foreground_done)
	struct foreground fg = {
		.ctl = ctl,
		.streams = {{.fd = -EBADF}, {.fd = -EBADF}},
		.line = {.max = INPUT_MAX},
	};

	if (!session_up(ctl) || !may_begin(ctl, words)) {
		return;
	}
	fg.name = words->at[0];
	printf("==> Press Ctrl-C to exit <==\n");
	interrupt_init(&interrupt, &ctl->rpc);
	open_streams(&fg);
	run(&fg);
}
