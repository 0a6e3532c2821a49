#include "methods.h"

#include <slotd/cleanup.h>

#include <string.h>

#define NAME                                        \
	{                                           \
		"name", PARAM_TEXT, .tag = TAG_NAME \
	}
#define WAIT                                                          \
	{                                                             \
		"wait", PARAM_FLAG, .optional = true, .tag = TAG_WAIT \
	}
#define SIGNAL                                            \
	{                                                 \
		"signal", PARAM_SCALAR, .tag = TAG_SIGNAL \
	}
#define SERVICE                                           \
	{                                                 \
		"service", PARAM_TEXT, .tag = TAG_SERVICE \
	}
#define SLICE                       \
	{"offset", PARAM_INT},      \
	{                           \
		"length", PARAM_INT \
	}
#define READ(channel_)	   .run = run_read_log, .channel = (channel_)
#define TAIL(channel_)	   .run = run_tail_log, .channel = (channel_)
#define COMMAND(c, t, ans) .run = run_command, .command = (c), .target = (t), .answered = (ans)

#define READ_HELP                                                                              \
	"offset >= 0, length > 0: these bytes. length 0: from offset to the end. offset < 0, " \
	"length 0: the last -offset bytes. At most 4 MiB, cut between characters."
#define TAIL_HELP                                                                           \
	"[text, size, overflow]: the last length bytes of the log, its size, whether more " \
	"was written since offset."
#define RESULTS_HELP " Returns [{name, group, status, description}]."

/* By name: method_find searches it by halves, system.listMethods shows it as it is. */
static const struct method methods[] = {
	{"slotd.abort",
	 "boolean",
	 {SERVICE},
	 "Ends the deploy or swap of a service that has not flipped yet.",
	 COMMAND(COMMAND_ABORT, TARGET_NONE, answer_true)},
	{"slotd.deploy",
	 "int",
	 {SERVICE, {"release", PARAM_TEXT, true, TAG_RELEASE}},
	 "Prepares, starts and gates the idle slot, then flips. Returns the number of the job.",
	 COMMAND(COMMAND_DEPLOY, TARGET_NONE, answer_job)},
	{"slotd.drainNow",
	 "boolean",
	 {SERVICE},
	 "Closes what the draining slot of a service still has open.",
	 COMMAND(COMMAND_DRAIN_NOW, TARGET_NONE, answer_true)},
	{"slotd.follow",
	 "struct",
	 {{"job", PARAM_INT}, {"seen", PARAM_INT}},
	 "{job, service, kind, step, done, code, text, seq, lines: [{seq, step, text}]}: the lines "
	 "after number seen. Waits up to 25 s for one, or for the end of the job.",
	 run_follow,
	 .always = true},
	{"slotd.logLevel",
	 "boolean",
	 {{"level", PARAM_TEXT, .tag = TAG_ARG}},
	 "Sets the level of slotd's own log until it ends.",
	 COMMAND(COMMAND_LOG_LEVEL, TARGET_NONE, answer_true)},
	{"slotd.reload",
	 "struct",
	 {{NULL}},
	 "Checks the configuration and applies what changed. Returns {added, changed, removed, "
	 "restarted, messages}.",
	 COMMAND(COMMAND_RELOAD, TARGET_NONE, answer_reload)},
	{"slotd.reopenLogs",
	 "boolean",
	 {{NULL}},
	 "Opens all log files again, after a rotation by others.",
	 COMMAND(COMMAND_REOPEN_LOGS, TARGET_NONE, answer_true)},
	{"slotd.restartDaemon",
	 "boolean",
	 {{NULL}},
	 "Stops everything and starts it again.",
	 COMMAND(COMMAND_RESTART_DAEMON, TARGET_NONE, answer_true)},
	{"slotd.rollback",
	 "int",
	 {SERVICE},
	 "Flips back to the slot that was live before. Returns the number of the job.",
	 COMMAND(COMMAND_ROLLBACK, TARGET_NONE, answer_job)},
	{"slotd.status",
	 "struct",
	 {{NULL}},
	 "Everything: {daemon, workers, services}. A worker has getProcessInfo's members and more.",
	 run_status,
	 .always = true},
	{"slotd.swap",
	 "int",
	 {SERVICE},
	 "Starts and gates the idle slot, then flips. Returns the number of the job.",
	 COMMAND(COMMAND_SWAP, TARGET_NONE, answer_job)},

	{"supervisor.addProcessGroup",
	 "boolean",
	 {NAME},
	 "Adds a group of the last read configuration; its autostart processes start.",
	 COMMAND(COMMAND_ADD_GROUP, TARGET_NONE, answer_true)},
	{"supervisor.clearAllProcessLogs",
	 "array",
	 {{NULL}},
	 "Empties all logs." RESULTS_HELP,
	 COMMAND(COMMAND_CLEAR_LOG, TARGET_ALL, answer_results)},
	{"supervisor.clearLog",
	 "boolean",
	 {{NULL}},
	 "Empties slotd's own log.",
	 COMMAND(COMMAND_CLEAR_LOG, TARGET_NONE, answer_true)},
	{"supervisor.clearProcessLog",
	 "boolean",
	 {NAME},
	 "Empties a process's logs.",
	 COMMAND(COMMAND_CLEAR_LOG, TARGET_WORKER, answer_true)},
	{"supervisor.clearProcessLogs",
	 "boolean",
	 {NAME},
	 "Empties a process's logs.",
	 COMMAND(COMMAND_CLEAR_LOG, TARGET_WORKER, answer_true)},
	{"supervisor.getAPIVersion", "string", {{NULL}}, "Version of this API.", run_text},
	{"supervisor.getAllConfigInfo",
	 "array",
	 {{NULL}},
	 "The last read configuration, a struct per process.",
	 run_all_config_info},
	{"supervisor.getAllProcessInfo",
	 "array",
	 {{NULL}},
	 "getProcessInfo of every process.",
	 run_all_process_info},
	{"supervisor.getIdentification",
	 "string",
	 {{NULL}},
	 "The configured identifier.",
	 run_identification},
	{"supervisor.getPID", "int", {{NULL}}, "Process id of slotd.", run_pid},
	{"supervisor.getProcessInfo", "struct", {NAME}, "State of a process.", run_process_info},
	{"supervisor.getState",
	 "struct",
	 {{NULL}},
	 "State of slotd: {statecode, statename}.",
	 run_state},
	{"supervisor.getSupervisorVersion",
	 "string",
	 {{NULL}},
	 "The Supervisor this is compatible with.",
	 run_text},
	{"supervisor.getVersion", "string", {{NULL}}, "Version of this API.", run_text},
	{"supervisor.readLog", "string", {SLICE}, "Bytes of slotd's own log. " READ_HELP, READ(-1)},
	{"supervisor.readMainLog",
	 "string",
	 {SLICE},
	 "Bytes of slotd's own log. " READ_HELP,
	 READ(-1)},
	{"supervisor.readProcessLog",
	 "string",
	 {NAME, SLICE},
	 "Bytes of a process's stdout log. " READ_HELP,
	 READ(0)},
	{"supervisor.readProcessStderrLog",
	 "string",
	 {NAME, SLICE},
	 "Bytes of a process's stderr log. " READ_HELP,
	 READ(1)},
	{"supervisor.readProcessStdoutLog",
	 "string",
	 {NAME, SLICE},
	 "Bytes of a process's stdout log. " READ_HELP,
	 READ(0)},
	{"supervisor.reloadConfig",
	 "array",
	 {{NULL}},
	 "Reads the configuration, applies nothing. Returns [[added, changed, removed]].",
	 COMMAND(COMMAND_REREAD, TARGET_NONE, answer_reread)},
	{"supervisor.removeProcessGroup",
	 "boolean",
	 {NAME},
	 "Removes a group that is stopped.",
	 COMMAND(COMMAND_REMOVE_GROUP, TARGET_NONE, answer_true)},
	{"supervisor.restart",
	 "boolean",
	 {{NULL}},
	 "Stops everything and starts it again.",
	 COMMAND(COMMAND_RESTART_DAEMON, TARGET_NONE, answer_true)},
	{"supervisor.sendProcessStdin",
	 "boolean",
	 {NAME, {"chars", PARAM_TEXT}},
	 "Writes to a process's standard input.",
	 run_send_stdin},
	{"supervisor.sendRemoteCommEvent",
	 "boolean",
	 {{"type", PARAM_SCALAR}, {"data", PARAM_SCALAR}},
	 "Sends a REMOTE_COMMUNICATION event.",
	 run_send_event,
	 .always = true},
	{"supervisor.shutdown",
	 "boolean",
	 {{NULL}},
	 "Stops everything and ends.",
	 COMMAND(COMMAND_SHUTDOWN, TARGET_NONE, answer_true)},
	{"supervisor.signalAllProcesses",
	 "array",
	 {SIGNAL},
	 "Sends a signal to every process." RESULTS_HELP,
	 COMMAND(COMMAND_SIGNAL, TARGET_ALL, answer_results)},
	{"supervisor.signalProcess",
	 "boolean",
	 {NAME, SIGNAL},
	 "Sends a signal, by name or number, to a process or (group:*) a group.",
	 COMMAND(COMMAND_SIGNAL, TARGET_WORKER_OR_GROUP, answer_true)},
	{"supervisor.signalProcessGroup",
	 "array",
	 {NAME, SIGNAL},
	 "Sends a signal to the processes of a group." RESULTS_HELP,
	 COMMAND(COMMAND_SIGNAL, TARGET_GROUP, answer_results)},
	{"supervisor.startAllProcesses",
	 "array",
	 {WAIT},
	 "Starts every process; waits until they run unless wait is false." RESULTS_HELP,
	 COMMAND(COMMAND_START, TARGET_ALL, answer_results)},
	{"supervisor.startProcess",
	 "boolean",
	 {NAME, WAIT},
	 "Starts a process or (group:*) a group; waits until it runs unless wait is false.",
	 COMMAND(COMMAND_START, TARGET_WORKER_OR_GROUP, answer_true)},
	{"supervisor.startProcessGroup",
	 "array",
	 {NAME, WAIT},
	 "Starts the processes of a group." RESULTS_HELP,
	 COMMAND(COMMAND_START, TARGET_GROUP, answer_results)},
	{"supervisor.stopAllProcesses",
	 "array",
	 {WAIT},
	 "Stops every process; waits until they ended unless wait is false." RESULTS_HELP,
	 COMMAND(COMMAND_STOP, TARGET_ALL, answer_results)},
	{"supervisor.stopProcess",
	 "boolean",
	 {NAME, WAIT},
	 "Stops a process or (group:*) a group; waits until it ended unless wait is false.",
	 COMMAND(COMMAND_STOP, TARGET_WORKER_OR_GROUP, answer_true)},
	{"supervisor.stopProcessGroup",
	 "array",
	 {NAME, WAIT},
	 "Stops the processes of a group." RESULTS_HELP,
	 COMMAND(COMMAND_STOP, TARGET_GROUP, answer_results)},
	{"supervisor.tailProcessLog", "array", {NAME, SLICE}, TAIL_HELP, TAIL(0)},
	{"supervisor.tailProcessStderrLog", "array", {NAME, SLICE}, TAIL_HELP, TAIL(1)},
	{"supervisor.tailProcessStdoutLog", "array", {NAME, SLICE}, TAIL_HELP, TAIL(0)},

	{"system.listMethods",
	 "array",
	 {{NULL}},
	 "The names of all methods.",
	 run_list_methods,
	 .always = true},
	{"system.methodHelp",
	 "string",
	 {NAME},
	 "What a method does.",
	 run_method_help,
	 .always = true},
	{"system.methodSignature",
	 "array",
	 {NAME},
	 "[type of the result, types of the parameters].",
	 run_method_signature,
	 .always = true},
	{"system.multicall",
	 "array",
	 {{"calls", PARAM_LIST}},
	 "Runs [{methodName, params}] in order. Returns a value, or {faultCode, faultString}, "
	 "each.",
	 run_multicall,
	 .always = true},
};

const struct method *method_find(const char *name)
{
	size_t low = 0, high = ARRAY_SIZE(methods);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = strcmp(name, methods[middle].name);

		if (c == 0) {
			return &methods[middle];
		}
		if (c < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return NULL;
}

const struct method *method_at(size_t i)
{
	return i < ARRAY_SIZE(methods) ? &methods[i] : NULL;
}

const char *param_type_name(enum param_type type)
{
	static const char *const names[PARAM_TYPE_MAX_] = {
		[PARAM_TEXT] = "string",  [PARAM_SCALAR] = "string", [PARAM_INT] = "int",
		[PARAM_FLAG] = "boolean", [PARAM_LIST] = "array",
	};

	return type >= 0 && type < PARAM_TYPE_MAX_ ? names[type] : "?";
}
