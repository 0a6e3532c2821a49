#include "methods.h"

#include <slotd/cleanup.h>

#include <stdlib.h>
#include <string.h>

static const struct method_way ways[METHOD_KIND_MAX_] = {
	[METHOD_ACT] = {"boolean", run_command, answer_true},
	[METHOD_RESULTS] = {"array", run_command, answer_results},
	[METHOD_JOB] = {"int", run_command, answer_job},
	[METHOD_REREAD] = {"array", run_command, answer_reread},
	[METHOD_RELOAD] = {"struct", run_command, answer_reload},
	[METHOD_LINES] = {"struct", run_command, answer_lines},
	[METHOD_READ_LOG] = {"string", run_read_log},
	[METHOD_TAIL_LOG] = {"array", run_tail_log},
	[METHOD_SAY] = {"string", run_command, answer_text, .always = true},
	[METHOD_SEND_STDIN] = {"boolean", run_send_stdin},
	[METHOD_SEND_EVENT] = {"boolean", run_send_event, .always = true},
	[METHOD_TEXT] = {"string", run_text},
	[METHOD_IDENTIFICATION] = {"string", run_identification},
	[METHOD_STATE] = {"struct", run_state},
	[METHOD_PID] = {"int", run_pid},
	[METHOD_PROCESS_INFO] = {"struct", run_process_info},
	[METHOD_ALL_PROCESS_INFO] = {"array", run_all_process_info},
	[METHOD_ALL_CONFIG_INFO] = {"array", run_all_config_info},
	[METHOD_PROCESSES] = {"array", run_processes},
	[METHOD_SERVICES] = {"struct", run_services, .always = true},
	[METHOD_STATUS] = {"struct", run_status, .always = true},
	[METHOD_FOLLOW] = {"struct", run_follow, .always = true},
	[METHOD_LIST_METHODS] = {"array", run_list_methods, .always = true},
	[METHOD_METHOD_HELP] = {"string", run_method_help, .always = true},
	[METHOD_METHOD_SIGNATURE] = {"array", run_method_signature, .always = true},
	[METHOD_MULTICALL] = {"array", run_multicall, .always = true},
};

const struct method_way *method_way(enum method_kind kind)
{
	return &ways[kind];
}

/* The methods of all rows by name: searched by halves, and shown by system.listMethods as it is. */
static struct entry {
	const struct method *method;
	enum command command;
} entries[COMMAND_MAX_ * COMMAND_METHODS_MAX];
static size_t n_entries;

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->method->name,
		      ((const struct entry *)b)->method->name);
}

static void make_entries(void)
{
	if (n_entries) {
		return;
	}
	for (int c = COMMAND_NONE + 1; c < COMMAND_MAX_; c++) {
		const struct method *m = command_row((enum command)c)->methods;

		for (; m->name; m++) {
			entries[n_entries++] = (struct entry){m, (enum command)c};
		}
	}
	qsort(entries, n_entries, sizeof(*entries), by_name);
}

const struct method *method_find(const char *name, enum command *ret_command)
{
	const struct method sought = {.name = name};
	const struct entry key = {.method = &sought}, *found;

	make_entries();
	found = bsearch(&key, entries, n_entries, sizeof(*entries), by_name);
	if (found && ret_command) {
		*ret_command = found->command;
	}
	return found ? found->method : NULL;
}

const struct method *method_at(size_t i)
{
	make_entries();
	return i < n_entries ? entries[i].method : NULL;
}

const char *param_type_name(enum param_type type)
{
	static const char *const names[PARAM_TYPE_MAX_] = {
		[PARAM_TEXT] = "string",  [PARAM_SCALAR] = "string", [PARAM_INT] = "int",
		[PARAM_FLAG] = "boolean", [PARAM_LIST] = "array",
	};

	return type >= 0 && type < PARAM_TYPE_MAX_ ? names[type] : "?";
}

enum call_result method_run(struct call *c, const char *name, const struct rpc_value *params)
{
	const struct method *m = method_find(name, &c->command);

	return call_run(c, m, m ? method_way(m->kind) : NULL, params);
}
