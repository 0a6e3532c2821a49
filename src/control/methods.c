#include "methods.h"

#include <slotd/cleanup.h>

#include <string.h>

/* clang-format off */
#define NAME	{ "name", PARAM_TEXT, .tag = TAG_NAME }
#define WAIT	{ "wait", PARAM_FLAG, .optional = true, .otherwise = true, .tag = TAG_WAIT }
#define FORCE	{ "force", PARAM_FLAG, .optional = true, .tag = TAG_FORCE }
#define SIGNAL	{ "signal", PARAM_SCALAR, .tag = TAG_SIGNAL }
#define SERVICE { "service", PARAM_TEXT, .tag = TAG_SERVICE }
#define RELEASE { "release", PARAM_TEXT, .optional = true, .tag = TAG_RELEASE }
#define SLICE	{ "offset", PARAM_INT }, { "length", PARAM_INT }
/* clang-format on */

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
/* clang-format off */
static const struct method methods[] = {
	{ .name = "slotd.abort", .returns = "boolean", .params = {SERVICE},
	  .help = "Ends the deploy or swap of a service that has not flipped yet.",
	  COMMAND(COMMAND_ABORT, TARGET_NONE, answer_true) },
	{ .name = "slotd.deploy", .returns = "int", .params = {SERVICE, RELEASE, FORCE},
	  .help = "Prepares, starts and gates the idle slot, then flips. Returns the number of "
		  "the job.",
	  COMMAND(COMMAND_DEPLOY, TARGET_NONE, answer_job) },
	{ .name = "slotd.drainNow", .returns = "boolean", .params = {SERVICE},
	  .help = "Closes what the draining slot of a service still has open.",
	  COMMAND(COMMAND_DRAIN_NOW, TARGET_NONE, answer_true) },
	{ .name = "slotd.follow", .returns = "struct",
	  .params = {{"job", PARAM_INT}, {"seen", PARAM_INT}},
	  .help = "{job, service, kind, step, done, code, text, seq, lines: [{seq, step, "
		  "text}]}: the lines after number seen. Waits up to 25 s for one, or for the "
		  "end of the job.",
	  .run = run_follow, .always = true },
	{ .name = "slotd.logLevel", .returns = "boolean",
	  .params = {{"level", PARAM_TEXT, .tag = TAG_ARG}},
	  .help = "Sets the level of slotd's own log until it ends.",
	  COMMAND(COMMAND_LOG_LEVEL, TARGET_NONE, answer_true) },
	{ .name = "slotd.processes", .returns = "array",
	  .help = "[{name, group, state, statename, description}] of all processes: what a list "
		  "shows of getAllProcessInfo.",
	  .run = run_processes },
	{ .name = "slotd.readHistory", .returns = "string", .params = {SLICE},
	  .help = "Swaps, rollbacks and deploys, a line of JSON each. " READ_HELP,
	  READ(CHANNEL_HISTORY) },
	{ .name = "slotd.reload", .returns = "struct", .params = {FORCE},
	  .help = "Checks the configuration and applies what changed. Returns {added, changed, "
		  "removed, restarted, messages, services_added, services_changed, "
		  "services_removed}.",
	  COMMAND(COMMAND_RELOAD, TARGET_NONE, answer_reload) },
	{ .name = "slotd.reopenLogs", .returns = "boolean",
	  .help = "Opens all log files again, after a rotation by others.",
	  COMMAND(COMMAND_REOPEN_LOGS, TARGET_NONE, answer_true) },
	{ .name = "slotd.restartDaemon", .returns = "boolean",
	  .help = "Stops everything and starts it again.",
	  COMMAND(COMMAND_RESTART_DAEMON, TARGET_NONE, answer_true) },
	{ .name = "slotd.rollback", .returns = "int", .params = {SERVICE, FORCE},
	  .help = "Flips back to the slot that was live before. Returns the number of the job.",
	  COMMAND(COMMAND_ROLLBACK, TARGET_NONE, answer_job) },
	{ .name = "slotd.status", .returns = "struct",
	  .help = "Everything: {daemon, workers, services}. A worker has getProcessInfo's "
		  "members and more.",
	  .run = run_status, .always = true },
	{ .name = "slotd.swap", .returns = "int", .params = {SERVICE, FORCE},
	  .help = "Starts and gates the idle slot, then flips. Returns the number of the job.",
	  COMMAND(COMMAND_SWAP, TARGET_NONE, answer_job) },

	{ .name = "supervisor.addProcessGroup", .returns = "boolean", .params = {NAME},
	  .help = "Adds a group of the last read configuration; its autostart processes start.",
	  COMMAND(COMMAND_ADD_GROUP, TARGET_NONE, answer_true) },
	{ .name = "supervisor.clearAllProcessLogs", .returns = "array",
	  .help = "Empties all logs." RESULTS_HELP,
	  COMMAND(COMMAND_CLEAR_LOG, TARGET_ALL, answer_results) },
	{ .name = "supervisor.clearLog", .returns = "boolean",
	  .help = "Empties slotd's own log.",
	  COMMAND(COMMAND_CLEAR_LOG, TARGET_NONE, answer_true) },
	{ .name = "supervisor.clearProcessLog", .returns = "boolean", .params = {NAME},
	  .help = "Empties a process's logs.",
	  COMMAND(COMMAND_CLEAR_LOG, TARGET_WORKER, answer_true) },
	{ .name = "supervisor.clearProcessLogs", .returns = "boolean", .params = {NAME},
	  .help = "Empties a process's logs.",
	  COMMAND(COMMAND_CLEAR_LOG, TARGET_WORKER, answer_true) },
	{ .name = "supervisor.getAPIVersion", .returns = "string",
	  .help = "Version of this API.",
	  .run = run_text, .text = "3.0" },
	{ .name = "supervisor.getAllConfigInfo", .returns = "array",
	  .help = "The last read configuration, a struct per process.",
	  .run = run_all_config_info },
	{ .name = "supervisor.getAllProcessInfo", .returns = "array",
	  .help = "getProcessInfo of every process.",
	  .run = run_all_process_info },
	{ .name = "supervisor.getIdentification", .returns = "string",
	  .help = "The configured identifier.",
	  .run = run_identification },
	{ .name = "supervisor.getPID", .returns = "int",
	  .help = "Process id of slotd.",
	  .run = run_pid },
	{ .name = "supervisor.getProcessInfo", .returns = "struct", .params = {NAME},
	  .help = "State of a process.",
	  .run = run_process_info },
	{ .name = "supervisor.getState", .returns = "struct",
	  .help = "State of slotd: {statecode, statename}.",
	  .run = run_state },
	{ .name = "supervisor.getSupervisorVersion", .returns = "string",
	  .help = "The Supervisor this is compatible with.",
	  .run = run_text, .text = "4.2.5" },
	{ .name = "supervisor.getVersion", .returns = "string",
	  .help = "Version of this API.",
	  .run = run_text, .text = "3.0" },
	{ .name = "supervisor.readLog", .returns = "string", .params = {SLICE},
	  .help = "Bytes of slotd's own log. " READ_HELP,
	  READ(CHANNEL_OWN) },
	{ .name = "supervisor.readMainLog", .returns = "string", .params = {SLICE},
	  .help = "Bytes of slotd's own log. " READ_HELP,
	  READ(CHANNEL_OWN) },
	{ .name = "supervisor.readProcessLog", .returns = "string", .params = {NAME, SLICE},
	  .help = "Bytes of a process's stdout log. " READ_HELP,
	  READ(0) },
	{ .name = "supervisor.readProcessStderrLog", .returns = "string", .params = {NAME, SLICE},
	  .help = "Bytes of a process's stderr log. " READ_HELP,
	  READ(1) },
	{ .name = "supervisor.readProcessStdoutLog", .returns = "string", .params = {NAME, SLICE},
	  .help = "Bytes of a process's stdout log. " READ_HELP,
	  READ(0) },
	{ .name = "supervisor.reloadConfig", .returns = "array",
	  .help = "Reads the configuration, applies nothing. Returns [[added, changed, removed]].",
	  COMMAND(COMMAND_REREAD, TARGET_NONE, answer_reread) },
	{ .name = "supervisor.removeProcessGroup", .returns = "boolean", .params = {NAME},
	  .help = "Removes a group that is stopped.",
	  COMMAND(COMMAND_REMOVE_GROUP, TARGET_NONE, answer_true) },
	{ .name = "supervisor.restart", .returns = "boolean",
	  .help = "Stops everything and starts it again.",
	  COMMAND(COMMAND_RESTART_DAEMON, TARGET_NONE, answer_true) },
	{ .name = "supervisor.sendProcessStdin", .returns = "boolean",
	  .params = {NAME, {"chars", PARAM_TEXT}},
	  .help = "Writes to a process's standard input.",
	  .run = run_send_stdin },
	{ .name = "supervisor.sendRemoteCommEvent", .returns = "boolean",
	  .params = {{"type", PARAM_SCALAR}, {"data", PARAM_SCALAR}},
	  .help = "Sends a REMOTE_COMMUNICATION event.",
	  .run = run_send_event, .always = true },
	{ .name = "supervisor.shutdown", .returns = "boolean",
	  .help = "Stops everything and ends.",
	  COMMAND(COMMAND_SHUTDOWN, TARGET_NONE, answer_true) },
	{ .name = "supervisor.signalAllProcesses", .returns = "array", .params = {SIGNAL},
	  .help = "Sends a signal to every process." RESULTS_HELP,
	  COMMAND(COMMAND_SIGNAL, TARGET_ALL, answer_results) },
	{ .name = "supervisor.signalProcess", .returns = "boolean", .params = {NAME, SIGNAL},
	  .help = "Sends a signal, by name or number, to a process or (group:*) a group.",
	  COMMAND(COMMAND_SIGNAL, TARGET_WORKER_OR_GROUP, answer_true) },
	{ .name = "supervisor.signalProcessGroup", .returns = "array", .params = {NAME, SIGNAL},
	  .help = "Sends a signal to the processes of a group." RESULTS_HELP,
	  COMMAND(COMMAND_SIGNAL, TARGET_GROUP, answer_results) },
	{ .name = "supervisor.startAllProcesses", .returns = "array", .params = {WAIT},
	  .help = "Starts every process; waits until they run unless wait is false." RESULTS_HELP,
	  COMMAND(COMMAND_START, TARGET_ALL, answer_results) },
	{ .name = "supervisor.startProcess", .returns = "boolean", .params = {NAME, WAIT},
	  .help = "Starts a process or (group:*) a group; waits until it runs unless wait is "
		  "false.",
	  COMMAND(COMMAND_START, TARGET_WORKER_OR_GROUP, answer_true) },
	{ .name = "supervisor.startProcessGroup", .returns = "array", .params = {NAME, WAIT},
	  .help = "Starts the processes of a group." RESULTS_HELP,
	  COMMAND(COMMAND_START, TARGET_GROUP, answer_results) },
	{ .name = "supervisor.stopAllProcesses", .returns = "array", .params = {WAIT},
	  .help = "Stops every process; waits until they ended unless wait is false." RESULTS_HELP,
	  COMMAND(COMMAND_STOP, TARGET_ALL, answer_results) },
	{ .name = "supervisor.stopProcess", .returns = "boolean", .params = {NAME, WAIT},
	  .help = "Stops a process or (group:*) a group; waits until it ended unless wait is "
		  "false.",
	  COMMAND(COMMAND_STOP, TARGET_WORKER_OR_GROUP, answer_true) },
	{ .name = "supervisor.stopProcessGroup", .returns = "array", .params = {NAME, WAIT},
	  .help = "Stops the processes of a group." RESULTS_HELP,
	  COMMAND(COMMAND_STOP, TARGET_GROUP, answer_results) },
	{ .name = "supervisor.tailProcessLog", .returns = "array", .params = {NAME, SLICE},
	  .help = TAIL_HELP,
	  TAIL(0) },
	{ .name = "supervisor.tailProcessStderrLog", .returns = "array", .params = {NAME, SLICE},
	  .help = TAIL_HELP,
	  TAIL(1) },
	{ .name = "supervisor.tailProcessStdoutLog", .returns = "array", .params = {NAME, SLICE},
	  .help = TAIL_HELP,
	  TAIL(0) },

	{ .name = "system.listMethods", .returns = "array",
	  .help = "The names of all methods.",
	  .run = run_list_methods, .always = true },
	{ .name = "system.methodHelp", .returns = "string", .params = {NAME},
	  .help = "What a method does.",
	  .run = run_method_help, .always = true },
	{ .name = "system.methodSignature", .returns = "array", .params = {NAME},
	  .help = "[type of the result, types of the parameters].",
	  .run = run_method_signature, .always = true },
	{ .name = "system.multicall", .returns = "array", .params = {{"calls", PARAM_LIST}},
	  .help = "Runs [{methodName, params}] in order. Returns a value, or {faultCode, "
		  "faultString}, each.",
	  .run = run_multicall, .always = true },
};
/* clang-format on */

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
