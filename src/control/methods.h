#pragma once

/**
 * All methods, one row each. From the row come the check of the arguments, system.listMethods,
 * methodHelp and methodSignature, and for commands the message to slotd and what its answer means.
 */

#include "call.h"

enum param_type {
	PARAM_TEXT,   /* a string */
	PARAM_SCALAR, /* a string or a number, as text */
	PARAM_INT,    /* an int, or a string that is one */
	PARAM_FLAG,   /* a boolean, or what can be taken for one */
	PARAM_LIST,
	PARAM_TYPE_MAX_,
};

struct param {
	const char *name; /* NULL ends the list */
	enum param_type type;
	bool optional;
	bool otherwise;	      /* FLAG: what it is when left out */
	enum message_tag tag; /* of a command: where it goes */
};

enum {
	CHANNEL_OWN = -1,     /* slotd's own log */
	CHANNEL_HISTORY = -2, /* what became of swaps */
};

/** What the first argument of a command names. */
enum target {
	TARGET_NONE,
	TARGET_WORKER,		/* one worker */
	TARGET_WORKER_OR_GROUP, /* "group:*" too */
	TARGET_GROUP,		/* sent as "group:*" */
	TARGET_ALL,		/* no argument; sent as "all" */
	TARGET_MAX_,
};

struct method {
	const char *name;
	const char *returns; /* type, for methodSignature */
	struct param params[CALL_ARGS_MAX + 1];
	const char *help;
	enum call_result (*run)(struct call *c);
	bool always;	  /* also while slotd shuts down */
	const char *text; /* run = run_text: the answer */
	/* commands: run = run_command */
	enum command command;
	enum target target;
	call_answered_fn *answered;
	/* logs */
	int channel; /* 0 stdout, 1 stderr, CHANNEL_OWN, CHANNEL_HISTORY */
};

/** NULL when there is none. */
const struct method *method_find(const char *name);
/** In the order of names; NULL at the end. */
const struct method *method_at(size_t i);
/** "string", "int", ... as methodSignature says it. */
const char *param_type_name(enum param_type type);

/* Handlers, by file. */
enum call_result run_text(struct call *c); /* methods_read.c */
enum call_result run_identification(struct call *c);
enum call_result run_state(struct call *c);
enum call_result run_pid(struct call *c);
enum call_result run_process_info(struct call *c);
enum call_result run_all_process_info(struct call *c);
enum call_result run_processes(struct call *c);
enum call_result run_all_config_info(struct call *c);

enum call_result run_command(struct call *c); /* methods_command.c */
call_answered_fn answer_true, answer_results, answer_reread, answer_reload, answer_job;
enum call_result run_send_stdin(struct call *c);
enum call_result run_send_event(struct call *c);
/** Sets c->target from the first argument, and c->group; false with a BAD_NAME fault. */
bool resolve_target(struct call *c, enum target target);

enum call_result run_read_log(struct call *c); /* methods_log.c */
enum call_result run_tail_log(struct call *c);

enum call_result run_list_methods(struct call *c); /* methods_system.c */
enum call_result run_method_help(struct call *c);
enum call_result run_method_signature(struct call *c);
enum call_result run_multicall(struct call *c); /* inside a multicall only: refused */

enum call_result run_status(struct call *c); /* methods_slotd.c */
enum call_result run_follow(struct call *c);
/** A job changed: answers those who follow it. */
struct job;
void follow_notify(struct control *control, const struct job *job);
