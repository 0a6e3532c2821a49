#pragma once

/**
 * The methods of the API: rows of the table of commands (slotd/command.h), to which control
 * attaches a function by their kind. From the row come the check of the arguments,
 * system.listMethods, methodHelp and methodSignature, and for commands the message to slotd and
 * what its answer means.
 */

#include "call.h"

#include <slotd/command.h>

/** Runs the method of that name, as call_run of call.h does. */
enum call_result method_run(struct call *c, const char *name, const struct rpc_value *params);
/** Of a kind above METHOD_NONE. */
const struct method_way *method_way(enum method_kind kind);
/** NULL when there is none. ret_command (may be NULL): the command whose row it stands in. */
const struct method *method_find(const char *name, enum command *ret_command);
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
enum call_result run_services(struct call *c);
enum call_result run_all_config_info(struct call *c);

enum call_result run_command(struct call *c); /* methods_command.c */
call_answered_fn answer_true, answer_results, answer_reread, answer_reload, answer_job,
	answer_lines, answer_text;
enum call_result run_send_stdin(struct call *c);
enum call_result run_send_event(struct call *c);
/** Sets c->target from the first argument, and c->group; false with a BAD_NAME fault. */
bool resolve_target(struct call *c, enum about about);

enum call_result run_read_log(struct call *c); /* methods_log.c */
enum call_result run_tail_log(struct call *c);

enum call_result run_list_methods(struct call *c); /* methods_system.c */
enum call_result run_method_help(struct call *c);
enum call_result run_method_signature(struct call *c);
enum call_result run_multicall(struct call *c); /* inside a multicall only: refused */

enum call_result run_status(struct call *c); /* methods_slotd.c */

enum call_result run_follow(struct call *c); /* jobfollow.c */
