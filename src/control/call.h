#pragma once

/**
 * A call of a method: its arguments, checked against the method's row, and its result.
 *
 * A handler answers at once (CALL_DONE, with a value in out or a fault) or later (CALL_LATER,
 * having sent a command, armed the timer or both); later it ends with call_finish.
 */

#include "commands.h"
#include "names.h"
#include "peer.h"
#include "value.h"
#include <slotd/command.h>
#include <slotd/fault.h>

#include <slotd/loop.h>
#include <slotd/strbuf.h>

struct control;

enum {
	CALL_ARGS_MAX = METHOD_PARAMS_MAX,
	CALL_FAULT_TEXT_MAX = 1200,
	CALL_TARGET_MAX = 2 * NAMESPEC_PART_MAX + 8,
};

enum call_result {
	CALL_DONE,
	CALL_LATER,
};

struct call;
typedef enum call_result call_answered_fn(struct call *c, struct answer *a);
typedef void call_finished_fn(struct call *c);

/** What control does for a kind of method; a row of the table in methods.c. */
struct method_way {
	const char *returns; /* type, for methodSignature */
	enum call_result (*run)(struct call *c);
	call_answered_fn *answered; /* of run_command */
	bool always;		    /* also while slotd shuts down */
};

struct call {
	struct control *control;
	const struct peer *peer;
	bool brief; /* the request has RESULTS_HEADER: RESULTS_BRIEF */
	const struct method *method;
	const struct method_way *way;
	enum command command;			     /* whose row the method stands in */
	const struct rpc_value *args[CALL_ARGS_MAX]; /* NULL: not given */
	struct strbuf *out;
	int fault; /* FAULT_NONE: out holds the value */
	char fault_text[CALL_FAULT_TEXT_MAX];
	call_finished_fn *finished;

	struct pending pending;
	call_answered_fn *answered;
	struct loop_timer timer;
	/* by method */
	char target[CALL_TARGET_MAX]; /* the name as slotd knows it */
	bool group;		      /* it is a whole group: a result for each process */
	size_t sent;		      /* sendProcessStdin: bytes accepted so far */
	struct call *next, *previous; /* slotd.follow: all that wait */
	call_finished_fn *left;	      /* it follows, and is to be told when it does no more; NULL */
};

/**
 * Runs a method, c->command being that in whose row it stands; NULL: the fault that there is none.
 * Takes nothing; keeps what c points at until it is finished. method_run of methods.h finds it.
 *
 * Returns: CALL_DONE if it is finished already; then finished is not called.
 */
enum call_result call_run(struct call *c, const struct method *method, const struct method_way *way,
			  const struct rpc_value *params);
/** Nobody waits for the call any more. Harmless if it is not running. */
void call_cancel(struct call *c);
/** Ends a call that was CALL_LATER. */
void call_finish(struct call *c);

/* ---- for handlers ---- */

/** Sets the fault: "NAME: extra", or "NAME" if extra is NULL. Returns CALL_DONE. */
enum call_result call_fault(struct call *c, int code, const char *extra);
/**
 * The fault of an answer. Without a text, extra stands in (NULL or "": none); the target's name
 * is said as the caller wrote it. True when there was one.
 */
bool call_failed(struct call *c, const struct answer *a, const char *extra);

/** May the caller read about this service; service NULL or "": about all? */
bool call_reads(const struct call *c, const char *service);
/** The fault for what the caller may not read. Returns CALL_DONE. */
enum call_result call_forbidden(struct call *c, const char *service);
bool call_has(const struct call *c, unsigned i);
const char *call_text(const struct call *c, unsigned i);
/** Returns an int, also from a text that is one (which was checked before). */
int64_t call_int(const struct call *c, unsigned i);
/** Is it true in the sense of Python? otherwise: the result if it was not given. */
bool call_flag(const struct call *c, unsigned i, bool otherwise);

/** Begins a message of a command, with who asks. */
void call_message(struct call *c, struct message *m, enum message_type type);
/** Sends a command. Returns CALL_LATER, or CALL_DONE with a fault. */
enum call_result call_command(struct call *c, struct message *m, call_answered_fn *answered);
