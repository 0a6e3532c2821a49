#pragma once

/**
 * A session of slotctl: the options, the connection, where output goes and the exit code so far.
 *
 * Every command is one row of the table (slotd/command.h) and one function. A command prints what
 * it has to say and leaves its exit code in exit_code, which a later success does not reset: so
 * does supervisorctl, and so scripts expect it.
 */

#include "options.h"
#include "rpc.h"
#include "value.h"

#include <slotd/diag.h>
#include <slotd/swap_names.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit codes: supervisorctl's, which are those of LSB's init scripts, and those of a swap. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_GENERIC = 1,
	EXIT_USAGE = 2,
	EXIT_STATUS_STOPPED = 3,
	EXIT_UNIMPLEMENTED = 3,
	EXIT_STATUS_UNKNOWN = 4,
	EXIT_REFUSED_CONNECTION = 4,
	EXIT_WRONG_VERSION = 5,
	EXIT_NOT_RUNNING = 7,
	EXIT_SWAP_FAILED = SWAP_EXIT_FAILED,
	EXIT_BUSY = SWAP_EXIT_BUSY,
	EXIT_UNKNOWN_OUTCOME = SWAP_EXIT_UNKNOWN,
};

struct ctl {
	struct options *options;
	struct rpc rpc;
	int exit_code;
	bool terminal;	     /* stdout is one */
	bool asks;	     /* a person is at stdin and stdout */
	bool leave;	     /* the shell shall end */
	bool wants_password; /* in the shell: the command is to be run again with one */
	bool raised; /* this command met what supervisorctl raises an exception for: it ends */
	bool own_methods_unknown; /* the server is a Supervisor: do not ask for slotd.* again */
};

/** Sets ctl up for that server, and connects later. Keeps options. 0, or -errno with diag. */
int session_open(struct ctl *ctl, struct options *options, struct diag *diag);
void session_done(struct ctl *ctl);

/** Does the server speak Supervisor's API? If not, says so and sets the exit code. */
bool session_up(struct ctl *ctl);

/** For a result that no row of a command's table foresees: says it, exit 1. */
void session_unexpected(struct ctl *ctl, int error, const struct diag *diag);
/**
 * The same for a method of ours. asked: the failed call asked for a change. Exit 12 when it is
 * busy, 2 for a wrong name, 13 when a change was asked for and its outcome is not known, 10 when
 * nothing has changed.
 */
void session_own_failed(struct ctl *ctl, int error, const struct diag *diag, bool asked);

/** Did the call fail because the server is a Supervisor, or a slotd older than the method? */
bool session_method_unknown(struct ctl *ctl, int error);
/** slotd.status(), unless the server has no such method: then -ENOSYS. */
int session_status(struct ctl *ctl, struct value *ret, struct diag *diag);
/** slotd.status() of one service and its workers; of all where the slotd is older. */
int session_service(struct ctl *ctl, const char *service, struct value *ret, struct diag *diag);
/** slotd.services(), which costs little where there are thousands of other programs; else as
 * session_status. */
int session_services(struct ctl *ctl, struct value *ret, struct diag *diag);

/**
 * slotd.status(), or what a Supervisor has of it: {workers: [...]}. The caller ends it with
 * value_done, after a failure too.
 */
int session_everything(struct ctl *ctl, struct value *ret, struct diag *diag);

/** Has slotd died, as slotd-control says in this daemon (of slotd.status or getState)? */
bool has_died(const struct value *daemon);
/** Says so on stderr, if it has. */
bool explain_died(const struct value *daemon);
/** The rest of a line on stderr: how to start slotd, and how many of its workers live. */
void explain_restart(void);
/** One line on stderr: what is wrong and what to do. */
void explain_failure(const struct ctl *ctl, int error, const struct diag *diag);

/** "NAME: sentence" of a fault, without the name, which is for programs. Borrowed from text. */
const char *fault_sentence(int code, const char *text);

/** Asks for a user and a password, to be used from now on. Returns whether they were given. */
bool session_ask_password(struct ctl *ctl);

/** Asks "QUESTION y/N? " and reads a line from stdin. */
bool session_ask(const char *question);

/** Supervisor's rule for one result: 80 and ignored leave the exit code alone. */
void session_result_code(struct ctl *ctl, int code, int ignored);
