#include "session.h"

#include <errno.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static void show_waiting(void *data, unsigned seconds)
{
	(void)data;
	if (seconds > 0) {
		(void)fprintf(stderr, "\rwaiting, %u s \033[K", seconds);
	} else {
		(void)fprintf(stderr, "\r\033[K");
	}
	(void)fflush(stderr);
}

int session_open(struct ctl *ctl, struct options *options, struct diag *diag)
{
	bool terminal = isatty(STDOUT_FILENO);

	*ctl = (struct ctl){
		.options = options,
		.terminal = terminal,
		.asks = terminal && isatty(STDIN_FILENO),
	};
	rpc_init(&ctl->rpc);
	if (terminal && isatty(STDERR_FILENO)) {
		ctl->rpc.tick = show_waiting;
	}
	return rpc_open(&ctl->rpc, options->url, options->username, options->password, diag);
}

void session_done(struct ctl *ctl)
{
	rpc_done(&ctl->rpc);
}

/* ---- what went wrong, in Supervisor's words and in ours -------------------------------------- */

static const char *python_class(int error)
{
	static const struct {
		int error;
		const char *name;
	} rows[] = {
		{-ECONNREFUSED, "ConnectionRefusedError"},
		{-ENOENT, "FileNotFoundError"},
		{-ENOTDIR, "NotADirectoryError"},
		{-EACCES, "PermissionError"},
		{-EPERM, "PermissionError"},
		{-ECONNRESET, "ConnectionResetError"},
		{-EPIPE, "BrokenPipeError"},
		{-ETIMEDOUT, "TimeoutError"},
		{-EBADMSG, "xml.parsers.expat.ExpatError"},
		{-EADDRNOTAVAIL, "socket.gaierror"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].error == error) {
			return rows[i].name;
		}
	}
	return "OSError";
}

/* The line that supervisorctl prints for an exception; scripts look for its beginning. */
static void print_exception(const struct ctl *ctl, int error, const struct diag *diag)
{
	const char *text = diag && diag->text[0] ? diag->text : strerror(-error);
	const struct rpc *rpc = &ctl->rpc;

	if (error == -EREMOTE) {
		const char *quote = strchr(rpc->fault.text, '\'') ? "\"" : "'";

		printf("error: <class 'xmlrpc.client.Fault'>, <Fault %d: %s%s%s>", rpc->fault.code,
		       quote, rpc->fault.text, quote);
	} else if (rpc->http_status != 0) {
		printf("error: <class 'xmlrpc.client.ProtocolError'>, "
		       "<ProtocolError for 127.0.0.1/RPC2: %u %s>",
		       rpc->http_status, rpc->http_reason);
	} else if (error == -EBADMSG || error == -EADDRNOTAVAIL) {
		printf("error: <class '%s'>, %s", python_class(error), text);
	} else {
		printf("error: <class '%s'>, [Errno %d] %s", python_class(error), -error,
		       strerror(-error));
	}
	printf(": file: slotctl line: 0\n");
}

void session_unexpected(struct ctl *ctl, int error, const struct diag *diag)
{
	ctl->exit_code = error == -ETIMEDOUT ? EXIT_REFUSED_CONNECTION : EXIT_GENERIC;
	ctl->raised = true;
	if (error == -EINTR) {
		return;
	}
	if (ctl->rpc.http_status == 401) {
		printf("Server requires authentication\n");
		ctl->wants_password = ctl->options->interactive;
	}
	if (ctl->wants_password) {
		return;
	}
	if (!ctl->terminal) {
		print_exception(ctl, error, diag);
	}
	explain_failure(ctl, error, diag);
}

bool session_method_unknown(struct ctl *ctl, int error)
{
	return error == -EREMOTE && ctl->rpc.fault.code == FAULT_UNKNOWN_METHOD;
}

static int ask_status(struct ctl *ctl, const char *service, struct value *ret, struct diag *diag)
{
	int r;

	if (ctl->own_methods_unknown) {
		return -ENOSYS;
	}
	r = rpc_call(&ctl->rpc, ret, diag, "slotd.status", service ? "s" : "", service);
	if (session_method_unknown(ctl, r)) {
		ctl->own_methods_unknown = true;
		return -ENOSYS;
	}
	return r;
}

int session_status(struct ctl *ctl, struct value *ret, struct diag *diag)
{
	return ask_status(ctl, NULL, ret, diag);
}

int session_service(struct ctl *ctl, const char *service, struct value *ret, struct diag *diag)
{
	int r = ask_status(ctl, service, ret, diag);

	return r == -EREMOTE && ctl->rpc.fault.code == FAULT_INCORRECT_PARAMETERS
		       ? session_status(ctl, ret, diag)
		       : r;
}

int session_services(struct ctl *ctl, struct value *ret, struct diag *diag)
{
	int r = ctl->own_methods_unknown ? -ENOSYS
					 : rpc_call(&ctl->rpc, ret, diag, "slotd.services", "");

	return session_method_unknown(ctl, r) ? session_status(ctl, ret, diag) : r;
}

int session_everything(struct ctl *ctl, struct value *ret, struct diag *diag)
{
	struct value *workers;
	int r = session_status(ctl, ret, diag);

	if (r != -ENOSYS) {
		return r;
	}
	ret->kind = VALUE_STRUCT;
	workers = value_append(ret);
	if (!workers) {
		return -ENOMEM;
	}
	r = rpc_call(&ctl->rpc, workers, diag, "supervisor.getAllProcessInfo", "");
	workers->name = strdup("workers");
	return r < 0 || workers->name ? r : -ENOMEM;
}

void session_own_failed(struct ctl *ctl, int error, const struct diag *diag, bool asked)
{
	static const struct {
		int fault, exit_code;
	} rows[] = {
		{FAULT_BUSY, EXIT_BUSY},
		{FAULT_FROZEN, EXIT_BUSY},
		{FAULT_LOST, EXIT_UNKNOWN_OUTCOME},
		{FAULT_INCORRECT_PARAMETERS, EXIT_USAGE},
		{FAULT_BAD_ARGUMENTS, EXIT_USAGE},
		{FAULT_BAD_NAME, EXIT_USAGE},
	};
	bool unknown = asked && ctl->rpc.sent && error != -EREMOTE;

	ctl->exit_code = unknown	       ? EXIT_UNKNOWN_OUTCOME
			 : error == -ETIMEDOUT ? EXIT_REFUSED_CONNECTION
			 : error == -EILSEQ    ? EXIT_USAGE
					       : EXIT_SWAP_FAILED;
	if (error == -ENOSYS || session_method_unknown(ctl, error)) {
		(void)fprintf(stderr,
			      "slotctl: %s is a Supervisor: it has no services. Use -s, or "
			      "serverurl in [supervisorctl], to say where slotd listens.\n",
			      ctl->options->url);
		ctl->exit_code = EXIT_SWAP_FAILED;
		return;
	}
	for (size_t i = 0; error == -EREMOTE && i < ARRAY_SIZE(rows); i++) {
		if (rows[i].fault == ctl->rpc.fault.code) {
			ctl->exit_code = rows[i].exit_code;
		}
	}
	explain_failure(ctl, error, diag);
}

/* ---- is it there? ---------------------------------------------------------------------------- */

static const char api_version[] = "3.0";

static void not_there(struct ctl *ctl, const char *what, int exit_code, int error)
{
	ctl->exit_code = exit_code;
	if (!ctl->terminal) {
		printf("%s %s\n", ctl->options->url, what);
	}
	if (ctl->terminal || ctl->options->own_socket) {
		explain_failure(ctl, error, NULL);
	}
}

static void no_namespace(struct ctl *ctl)
{
	printf("Sorry, supervisord responded but did not recognize the supervisor namespace "
	       "commands "
	       "that supervisorctl uses to control it.  Please check that the "
	       "[rpcinterface:supervisor] section is enabled in the configuration file "
	       "(see sample.conf).\n");
	ctl->exit_code = EXIT_UNIMPLEMENTED;
}

static bool right_version(struct ctl *ctl, const struct value *version)
{
	if (strcmp(value_str(version), api_version) == 0) {
		return true;
	}
	printf("Sorry, this version of supervisorctl expects to talk to a server with API version "
	       "%s, but the remote version is %s.\n",
	       api_version, value_str(version));
	ctl->exit_code = EXIT_WRONG_VERSION;
	return false;
}

bool session_up(struct ctl *ctl)
{
	CLEANUP(value_done) struct value version = {0};
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, &version, &diag, "supervisor.getVersion", "");

	switch (r) {
	case 0:
		return right_version(ctl, &version);
	case -ECONNREFUSED:
		not_there(ctl, "refused connection", EXIT_REFUSED_CONNECTION, r);
		return false;
	case -ENOENT:
		not_there(ctl, "no such file", EXIT_NOT_RUNNING, r);
		return false;
	default:
		if (session_method_unknown(ctl, r)) {
			no_namespace(ctl);
		} else {
			session_unexpected(ctl, r, &diag);
		}
		return false;
	}
}

/* ---- small things of every command ----------------------------------------------------------- */

void session_result_code(struct ctl *ctl, int code, int ignored)
{
	switch (code) {
	case FAULT_ABNORMAL_TERMINATION:
	case FAULT_SPAWN_ERROR:
	case FAULT_NOT_RUNNING:
		ctl->exit_code = code == ignored ? ctl->exit_code : EXIT_NOT_RUNNING;
		break;
	default:
		if (code != FAULT_SUCCESS && code != ignored) {
			ctl->exit_code = EXIT_GENERIC;
		}
	}
}

/* A line without its end, "" at the end of the input. The caller frees it. */
static char *read_answer(const char *question)
{
	char *line = NULL;
	size_t size = 0;

	printf("%s", question);
	(void)fflush(stdout);
	if (getline(&line, &size, stdin) < 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static char *read_unseen(const char *question)
{
	struct termios before, quiet;
	bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	char *answer;

	if (terminal) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	answer = read_answer(question);
	if (terminal) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	}
	(void)putchar('\n');
	return answer;
}

bool session_ask_password(struct ctl *ctl)
{
	auto_free char *user = read_answer("Username:");
	auto_free char *password = user ? read_unseen("Password:") : NULL;
	struct diag diag = {0};

	if (!password || rpc_open(&ctl->rpc, ctl->options->url, user, password, &diag) < 0) {
		return false;
	}
	free(ctl->options->username);
	free(ctl->options->password);
	ctl->options->username = TAKE_PTR(user);
	ctl->options->password = TAKE_PTR(password);
	return true;
}

bool session_ask(const char *question)
{
	char answer[16];

	printf("%s y/N? ", question);
	(void)fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}
