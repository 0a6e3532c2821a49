#include <slotd/command.h>

#include <slotd/cleanup.h>

#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define NAME	{ "name", PARAM_TEXT, .tag = TAG_NAME }
#define WAIT	{ "wait", PARAM_FLAG, .optional = true, .otherwise = true, .tag = TAG_WAIT }
#define FORCE	{ "force", PARAM_FLAG, .optional = true, .tag = TAG_FORCE }
#define SIGNAL	{ "signal", PARAM_SCALAR, .tag = TAG_SIGNAL }
#define SERVICE { "service", PARAM_TEXT, .tag = TAG_SERVICE }
#define RELEASE { "release", PARAM_TEXT, .optional = true, .tag = TAG_RELEASE }
#define SLICE	{ "offset", PARAM_INT }, { "length", PARAM_INT }
#define LEVEL	{ "level", PARAM_TEXT, .tag = TAG_ARG }

#define READ_HELP                                                                              \
	"offset >= 0, length > 0: these bytes. length 0: from offset to the end. offset < 0, " \
	"length 0: the last -offset bytes. At most 4 MiB, cut between characters."
#define TAIL_HELP                                                                           \
	"[text, size, overflow]: the last length bytes of the log, its size, whether more " \
	"was written since offset."
#define RESULTS_HELP " Returns [{name, group, status, description}]."

static const struct command_row rows[COMMAND_MAX_] = {
	[COMMAND_ABORT] = {
		.name = "abort", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "abort SERVICE\tStop a swap or deploy that has not flipped yet",
		.done = "aborted",
		.manual = "The idle slot is stopped, the live one is not touched.",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.abort", METHOD_ACT, {SERVICE},
			"Ends the deploy or swap of a service that has not flipped yet." }},
	},
	[COMMAND_ADD] = {
		.name = "add", .topic = TOPIC_DAEMON,
		.usage = "add GROUP...\tStart running groups that the configuration has gained",
		.completion = COMPLETE_GROUPS,
		.methods = {{ "supervisor.addProcessGroup", METHOD_ACT, {NAME},
			"Adds a group of the last read configuration; its autostart processes "
			"start." }},
	},
	[COMMAND_ATTACH] = {
		.name = "attach", .topic = TOPIC_SERVICES, .may = MAY_ALL,
		.usage = "attach SERVICE\tFollow the swap or deploy that is going on",
		.flags = ALLOW_JSON | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.follow", METHOD_FOLLOW,
			{{"job", PARAM_INT}, {"seen", PARAM_INT}},
			"{job, service, kind, step, done, code, text, seq, lines: [{seq, step, "
			"text}]}: the lines after number seen. Waits up to 25 s for one, or for "
			"the end of the job." }},
	},
	[COMMAND_AVAIL] = {
		.name = "avail", .topic = TOPIC_DAEMON, .may = MAY_ALL,
		.usage = "avail\tAll processes of the configuration, running or not",
		.flags = ALLOW_JSON | NO_ARGUMENTS,
		.methods = {{ "supervisor.getAllConfigInfo", METHOD_ALL_CONFIG_INFO, {},
			"The last read configuration, a struct per process." }},
	},
	[COMMAND_CLEAR] = {
		.name = "clear", .topic = TOPIC_PROCESSES,
		.usage = "clear NAME...\tEmpty the logs of processes\n"
			 "clear all\tEmpty the logs of all processes",
		.completion = COMPLETE_WORKERS,
		.methods = {
			{ "supervisor.clearProcessLogs", METHOD_ACT, {NAME},
			  "Empties a process's logs.", ABOUT_WORKER },
			{ "supervisor.clearProcessLog", METHOD_ACT, {NAME},
			  "Empties a process's logs.", ABOUT_WORKER },
			{ "supervisor.clearAllProcessLogs", METHOD_RESULTS, {},
			  "Empties all logs." RESULTS_HELP, ABOUT_ALL },
			{ "supervisor.clearLog", METHOD_ACT, {}, "Empties slotd's own log." },
		},
	},
	[COMMAND_DEPLOY] = {
		.name = "deploy", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "deploy SERVICE [RELEASE]\tPrepare the idle slot, start it afresh, and "
			 "swap",
		.manual = "New connections go to it when its workers have passed the gate; the "
			  "other slot finishes what it has. RELEASE is a name for what is deployed; hooks get "
			  "it as SLOTD_RELEASE, and it is shown by slots. The output of prepare is "
			  "printed, and kept as service-number.log in log_dir. What prepare did is "
			  "not undone when a later step fails.",
		.flags = ALLOW_JSON | ALLOW_WAIT | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.deploy", METHOD_JOB, {SERVICE, RELEASE, FORCE},
			"Prepares, starts and gates the idle slot, then flips. Returns the number "
			"of the job." }},
	},
	[COMMAND_DRAIN] = {
		.name = "drain", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "drain --now SERVICE\tClose what is still open to the old slot",
		.manual = "Without this the slot that was live before ends by itself, when it has "
			  "finished what it has.",
		.flags = ALLOW_NOW | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.drainNow", METHOD_ACT, {SERVICE},
			"Closes what the draining slot of a service still has open." }},
	},
	[COMMAND_EOF] = {
		.name = "EOF", .usage = "EOF\tLeave the shell", .flags = HIDDEN, .may = MAY_ALL,
	},
	[COMMAND_EVENT] = {
		.name = "event",
		.methods = {{ "supervisor.sendRemoteCommEvent", METHOD_SEND_EVENT,
			{{"type", PARAM_SCALAR}, {"data", PARAM_SCALAR}},
			"Sends a REMOTE_COMMUNICATION event." }},
	},
	[COMMAND_EXIT] = {
		.name = "exit", .topic = TOPIC_DAEMON, .may = MAY_ALL,
		.usage = "exit\tLeave the shell",
	},
	[COMMAND_FG] = {
		.name = "fg", .topic = TOPIC_PROCESSES,
		.usage = "fg NAME\tA process in the foreground: its output here, what is typed to "
			 "it",
		.manual = "Each line typed goes to its standard input. Ctrl-C leaves it running.",
		.completion = COMPLETE_WORKERS,
		.methods = {{ "supervisor.sendProcessStdin", METHOD_SEND_STDIN,
			{NAME, {"chars", PARAM_TEXT}},
			"Writes to a process's standard input." }},
	},
	[COMMAND_HELP] = {
		.name = "help", .topic = TOPIC_DAEMON, .may = MAY_ALL,
		.usage = "help\tList the commands\nhelp COMMAND\tWhat a command does",
		.flags = HIDDEN, .completion = COMPLETE_COMMANDS,
		.methods = {
			{ "system.listMethods", METHOD_LIST_METHODS, {},
			  "The names of all methods." },
			{ "system.methodHelp", METHOD_METHOD_HELP, {NAME}, "What a method does." },
			{ "system.methodSignature", METHOD_METHOD_SIGNATURE, {NAME},
			  "[type of the result, types of the parameters]." },
			{ "system.multicall", METHOD_MULTICALL, {{"calls", PARAM_LIST}},
			  "Runs [{methodName, params}] in order. Returns a value, or {faultCode, "
			  "faultString}, each." },
		},
	},
	[COMMAND_HISTORY] = {
		.name = "history", .topic = TOPIC_SERVICES,
		.usage = "history [SERVICE...]\tSwaps, rollbacks and deploys: when, who, what "
			 "became of them",
		.manual = "For each: when it began, from which slot to which, the release, how "
			  "long it took, who asked for it, and what became of it; of one that "
			  "failed the step, the worker and why.",
		.flags = ALLOW_JSON | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.readHistory", METHOD_READ_LOG, {SLICE},
			"Swaps, rollbacks and deploys, a line of JSON each. " READ_HELP,
			.channel = CHANNEL_HISTORY }},
	},
	[COMMAND_IMPORT_CHECK] = {
		.name = "import-check", .topic = TOPIC_DAEMON, .may = MAY_ALL,
		.usage = "import-check FILE\tWhat becomes of a supervisord.conf under slotd, and "
			 "what would run twice",
		.manual = "Says mistakes, what is different, which of it runs already and where, "
			  "and what is new. Nothing is changed. Ends with 0 when there is nothing "
			  "to do, 1 when there is, 2 when the file cannot be read.",
		.flags = OURS, .completion = COMPLETE_FILES,
	},
	[COMMAND_LEAVE] = {
		.name = "leave", .topic = TOPIC_DAEMON, .may = MAY_ALL,
		.usage = "leave [FILE]\tThe way back to Supervisor, as commands to type",
		.manual = "They stand in order; with them, which options of the file Supervisor "
			  "would ignore without a word. Nothing is changed. See "
			  "slotd-supervisor(7).",
		.flags = OURS, .completion = COMPLETE_FILES,
	},
	[COMMAND_LOG_LEVEL] = {
		.name = "log-level", .topic = TOPIC_DAEMON,
		.usage = "log-level LEVEL\tHow much slotd logs: error, warn, info, debug",
		.manual = "The level holds until slotd ends.",
		.flags = OURS, .words = "error warn info debug",
		.methods = {{ "slotd.logLevel", METHOD_ACT, {LEVEL},
			"Sets the level of slotd's own log until it ends." }},
	},
	[COMMAND_MAINTAIL] = {
		.name = "maintail", .topic = TOPIC_DAEMON,
		.usage = "maintail [-f|-BYTES]\tThe end of slotd's own log; -f: and what comes",
		.words = "-f",
		.methods = {
			{ "supervisor.readLog", METHOD_READ_LOG, {SLICE},
			  "Bytes of slotd's own log. " READ_HELP, .channel = CHANNEL_OWN },
			{ "supervisor.readMainLog", METHOD_READ_LOG, {SLICE},
			  "Bytes of slotd's own log. " READ_HELP, .channel = CHANNEL_OWN },
		},
	},
	[COMMAND_OPEN] = {
		.name = "open", .topic = TOPIC_DAEMON, .may = MAY_ALL,
		.usage = "open URL\tAnother server: http://HOST:PORT or unix:///PATH",
		.manual = "For the shell.",
	},
	[COMMAND_PID] = {
		.name = "pid", .topic = TOPIC_PROCESSES, .may = MAY_ALL,
		.usage = "pid\tThe process id of slotd\n"
			 "pid NAME...\tThe process ids of processes\n"
			 "pid all\tThe process ids of all processes, one a line",
		.flags = ALLOW_JSON, .completion = COMPLETE_WORKERS,
		.methods = {{ "supervisor.getPID", METHOD_PID, {}, "Process id of slotd." }},
	},
	[COMMAND_QUIT] = {
		.name = "quit", .topic = TOPIC_DAEMON, .may = MAY_ALL,
		.usage = "quit\tLeave the shell",
	},
	[COMMAND_RELOAD] = {
		.name = "reload", .topic = TOPIC_DAEMON,
		.usage = "reload\tCheck the configuration and apply the difference; what did not "
			 "change runs on",
		.manual = "Says what was done. A file with a mistake changes nothing. Workers of a "
			  "live slot are not restarted: they take their new settings at the next "
			  "deploy.",
		.flags = ALLOW_FORCE | ALLOW_JSON | NO_ARGUMENTS,
		.methods = {{ "slotd.reload", METHOD_RELOAD, {FORCE},
			"Checks the configuration and applies what changed. Returns {added, "
			"changed, removed, restarted, messages, services_added, services_changed, "
			"services_removed}." }},
	},
	[COMMAND_REMOVE] = {
		.name = "remove", .topic = TOPIC_DAEMON,
		.usage = "remove GROUP...\tForget groups that have stopped",
		.completion = COMPLETE_GROUPS,
		.methods = {{ "supervisor.removeProcessGroup", METHOD_ACT, {NAME},
			"Removes a group that is stopped." }},
	},
	[COMMAND_REOPEN] = {
		.name = "reopen", .topic = TOPIC_DAEMON,
		.usage = "reopen\tClose and open all log files, for logrotate",
		.flags = NO_ARGUMENTS | OURS,
		.methods = {{ "slotd.reopenLogs", METHOD_ACT, {},
			"Opens all log files again, after a rotation by others." }},
	},
	[COMMAND_REREAD] = {
		.name = "reread", .topic = TOPIC_DAEMON,
		.usage = "reread\tRead the configuration and say which groups differ; change "
			 "nothing",
		.flags = ALLOW_JSON | NO_ARGUMENTS,
		.methods = {{ "supervisor.reloadConfig", METHOD_REREAD, {},
			"Reads the configuration, applies nothing. Returns [[added, changed, "
			"removed]]." }},
	},
	[COMMAND_RESTART] = {
		.name = "restart", .topic = TOPIC_PROCESSES,
		.usage = "restart NAME...\tStop and start processes; does not read the "
			 "configuration\n"
			 "restart GROUP:*\tAll processes of a group\n"
			 "restart all\tAll processes",
		.manual = "What belongs to a live slot is stopped only after a question, and in a "
			  "script only with --force. restart all passes idle slots by; their own "
			  "names start them.",
		.flags = ALLOW_FORCE, .completion = COMPLETE_WORKERS,
	},
	[COMMAND_RESTART_DAEMON] = {
		.name = "restart-daemon", .topic = TOPIC_DAEMON,
		.usage = "restart-daemon\tStop everything, read the configuration, start again: "
			 "what supervisorctl calls reload",
		.flags = ALLOW_FORCE | NO_ARGUMENTS | OURS,
		.methods = {
			{ "slotd.restartDaemon", METHOD_ACT, {},
			  "Stops everything and starts it again." },
			{ "supervisor.restart", METHOD_ACT, {},
			  "Stops everything and starts it again." },
		},
	},
	[COMMAND_ROLLBACK] = {
		.name = "rollback", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "rollback SERVICE\tGo back to the slot that was live before",
		.manual = "It serves with what it held then. Refused where there is none: the "
			  "other slot was never live, or a deploy has begun in it since and none "
			  "has succeeded. While a new slot is baked this goes back at once, and "
			  "the swap or deploy that it ends has exit status 11.",
		.flags = ALLOW_JSON | ALLOW_WAIT | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.rollback", METHOD_JOB, {SERVICE, FORCE},
			"Flips back to the slot that was live before. Returns the number of the "
			"job." }},
	},
	[COMMAND_SHUTDOWN] = {
		.name = "shutdown", .topic = TOPIC_DAEMON,
		.usage = "shutdown\tStop everything and end slotd",
		.flags = ALLOW_FORCE | NO_ARGUMENTS,
		.methods = {{ "supervisor.shutdown", METHOD_ACT, {},
			"Stops everything and ends." }},
	},
	[COMMAND_SIGNAL] = {
		.name = "signal", .topic = TOPIC_PROCESSES,
		.usage = "signal SIGNAL NAME...\tSignal processes\n"
			 "signal SIGNAL GROUP:*\tAll processes of a group\n"
			 "signal SIGNAL all\tAll processes",
		.manual = "SIGNAL is a name or a number.",
		.completion = COMPLETE_SIGNALS,
		.methods = {
			{ "supervisor.signalProcess", METHOD_ACT, {NAME, SIGNAL},
			  "Sends a signal, by name or number, to a process or (group:*) a group.",
			  ABOUT_WORKER_OR_GROUP },
			{ "supervisor.signalProcessGroup", METHOD_RESULTS, {NAME, SIGNAL},
			  "Sends a signal to the processes of a group." RESULTS_HELP, ABOUT_GROUP },
			{ "supervisor.signalAllProcesses", METHOD_RESULTS, {SIGNAL},
			  "Sends a signal to every process." RESULTS_HELP, ABOUT_ALL },
		},
	},
	[COMMAND_SLOTS] = {
		.name = "slots", .topic = TOPIC_SERVICES, .may = MAY_ALL,
		.usage = "slots [SERVICE...]\tWho is live, who drains, how many connections",
		.manual = "Both slots of each service: which is live and since when, what was "
			  "deployed, how many workers pass their health check, their share of new "
			  "connections, and the connections that are open: waiting for a worker, "
			  "busy, and idle.",
		.flags = ALLOW_JSON | OURS, .completion = COMPLETE_SERVICES,
	},
	[COMMAND_START] = {
		.name = "start", .topic = TOPIC_PROCESSES,
		.usage = "start NAME...\tStart processes\n"
			 "start GROUP:*\tAll processes of a group\n"
			 "start all\tAll processes",
		.manual = "start all passes idle slots by; their own names start them.",
		.completion = COMPLETE_WORKERS,
		.methods = {
			{ "supervisor.startProcess", METHOD_ACT, {NAME, WAIT},
			  "Starts a process or (group:*) a group; waits until it runs unless wait "
			  "is false.", ABOUT_WORKER_OR_GROUP },
			{ "supervisor.startProcessGroup", METHOD_RESULTS, {NAME, WAIT},
			  "Starts the processes of a group." RESULTS_HELP, ABOUT_GROUP },
			{ "supervisor.startAllProcesses", METHOD_RESULTS, {WAIT},
			  "Starts every process; waits until they run unless wait is false."
			  RESULTS_HELP, ABOUT_ALL },
		},
	},
	[COMMAND_STATUS] = {
		.name = "status", .topic = TOPIC_PROCESSES, .may = MAY_ALL,
		.usage = "status\tServices and processes, and what needs you\n"
			 "status NAME...\tNamed processes, as supervisorctl prints them\n"
			 "status GROUP:*\tAll processes of a group",
		.manual = "On a terminal and without names: a line for each service and what under "
			  "it needs somebody, all other programs, and what to type. In a pipe, or "
			  "with names, Supervisor's table.",
		.flags = ALLOW_JSON, .completion = COMPLETE_WORKERS,
		.methods = {
			{ "slotd.status", METHOD_STATUS, {{ "service", PARAM_TEXT, .optional = true }},
			  "Everything: {daemon, workers, services}. A worker has getProcessInfo's "
			  "members and more. With a service: only that one, and its workers." },
			{ "slotd.processes", METHOD_PROCESSES, {},
			  "[{name, group, state, statename, description}] of all processes: what a "
			  "list shows of getAllProcessInfo." },
			{ "supervisor.getAllProcessInfo", METHOD_ALL_PROCESS_INFO, {},
			  "getProcessInfo of every process." },
			{ "supervisor.getProcessInfo", METHOD_PROCESS_INFO, {NAME},
			  "State of a process." },
			{ "supervisor.getState", METHOD_STATE, {},
			  "State of slotd: {statecode, statename}." },
		},
	},
	[COMMAND_STOP] = {
		.name = "stop", .topic = TOPIC_PROCESSES,
		.usage = "stop NAME...\tStop processes\n"
			 "stop GROUP:*\tAll processes of a group\n"
			 "stop all\tAll processes",
		.manual = "What belongs to a live slot is stopped only after a question, and in a "
			  "script only with --force.",
		.flags = ALLOW_FORCE, .completion = COMPLETE_WORKERS,
		.methods = {
			{ "supervisor.stopProcess", METHOD_ACT, {NAME, WAIT},
			  "Stops a process or (group:*) a group; waits until it ended unless wait "
			  "is false.", ABOUT_WORKER_OR_GROUP },
			{ "supervisor.stopProcessGroup", METHOD_RESULTS, {NAME, WAIT},
			  "Stops the processes of a group." RESULTS_HELP, ABOUT_GROUP },
			{ "supervisor.stopAllProcesses", METHOD_RESULTS, {WAIT},
			  "Stops every process; waits until they ended unless wait is false."
			  RESULTS_HELP, ABOUT_ALL },
		},
	},
	[COMMAND_SWAP] = {
		.name = "swap", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "swap SERVICE\tStart the idle slot, check it, and send new connections to "
			 "it",
		.manual = "As deploy, but without prepare; a slot that is warm and healthy only "
			  "has to be flipped to.",
		.flags = ALLOW_JSON | ALLOW_WAIT | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.swap", METHOD_JOB, {SERVICE, FORCE},
			"Starts and gates the idle slot, then flips. Returns the number of the "
			"job." }},
	},
	[COMMAND_TAIL] = {
		.name = "tail", .topic = TOPIC_PROCESSES,
		.usage = "tail [-f|-BYTES] NAME [stdout|stderr]\tThe end of a process' log; -f: "
			 "and what comes",
		.manual = "Without BYTES the last 1600. Ctrl-C ends -f.",
		.completion = COMPLETE_WORKERS, .words = "-f stdout stderr",
		.methods = {
			{ "supervisor.readProcessStdoutLog", METHOD_READ_LOG, {NAME, SLICE},
			  "Bytes of a process's stdout log. " READ_HELP },
			{ "supervisor.readProcessStderrLog", METHOD_READ_LOG, {NAME, SLICE},
			  "Bytes of a process's stderr log. " READ_HELP, .channel = 1 },
			{ "supervisor.readProcessLog", METHOD_READ_LOG, {NAME, SLICE},
			  "Bytes of a process's stdout log. " READ_HELP },
			{ "supervisor.tailProcessStdoutLog", METHOD_TAIL_LOG, {NAME, SLICE},
			  TAIL_HELP },
			{ "supervisor.tailProcessStderrLog", METHOD_TAIL_LOG, {NAME, SLICE},
			  TAIL_HELP, .channel = 1 },
			{ "supervisor.tailProcessLog", METHOD_TAIL_LOG, {NAME, SLICE},
			  TAIL_HELP },
		},
	},
	[COMMAND_UPDATE] = {
		.name = "update", .topic = TOPIC_DAEMON,
		.usage = "update [GROUP...]\tRead the configuration, add, remove and restart what "
			 "differs\n"
			 "update --dry-run\tOnly say what it would do",
		.manual = "Supervisor's way to apply it: groups that differ are stopped, removed, "
			  "added.",
		.flags = ALLOW_FORCE | ALLOW_DRY_RUN,
		.completion = COMPLETE_GROUPS, .words = "all",
	},
	[COMMAND_VERSION] = {
		.name = "version", .topic = TOPIC_DAEMON, .may = MAY_ALL,
		.usage = "version\tThe version of Supervisor whose interface the server speaks",
		.flags = ALLOW_JSON | NO_ARGUMENTS,
		.methods = {
			{ "supervisor.getSupervisorVersion", METHOD_TEXT, {},
			  "The Supervisor this is compatible with.", .text = "4.2.5" },
			{ "supervisor.getAPIVersion", METHOD_TEXT, {},
			  "Version of this API.", .text = "3.0" },
			{ "supervisor.getVersion", METHOD_TEXT, {},
			  "Version of this API.", .text = "3.0" },
			{ "supervisor.getIdentification", METHOD_IDENTIFICATION, {},
			  "The configured identifier." },
		},
	},
};
/* clang-format on */

const struct command_option command_options[] = {
	{ALLOW_FORCE, "--force", NULL, "Also what a live slot serves with, and without a question"},
	{ALLOW_WAIT, "--wait", "DURATION", "Wait that long for the turn, such as 10m"},
	{ALLOW_JSON, "--json", NULL, "As JSON, for programs"},
	{ALLOW_NOW, "--now", NULL, NULL},
	{ALLOW_DRY_RUN, "--dry-run", NULL, NULL},
};
const size_t n_command_options = ARRAY_SIZE(command_options);

const struct command_row *command_row(enum command c)
{
	return c > COMMAND_NONE && c < COMMAND_MAX_ && rows[c].name ? &rows[c] : NULL;
}

const char *command_name(enum command c)
{
	const struct command_row *row = command_row(c);

	return row ? row->name : "?";
}

enum command command_find(const char *name)
{
	for (int c = COMMAND_NONE + 1; c < COMMAND_MAX_; c++) {
		if (rows[c].usage && strcmp(rows[c].name, name) == 0) {
			return (enum command)c;
		}
	}
	return COMMAND_NONE;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(rows[*(const enum command *)a].name, rows[*(const enum command *)b].name);
}

size_t commands_by_name(enum command ret[COMMAND_MAX_])
{
	size_t n = 0;

	for (int c = COMMAND_NONE + 1; c < COMMAND_MAX_; c++) {
		if (rows[c].usage) {
			ret[n++] = (enum command)c;
		}
	}
	qsort(ret, n, sizeof(*ret), by_name);
	return n;
}

const char *command_method(enum command c, enum about about)
{
	for (const struct method *m = rows[c].methods; m->name; m++) {
		if (m->about == about) {
			return m->name;
		}
	}
	return NULL;
}

bool command_asks_slotd(const struct command_row *row)
{
	return row->methods[0].kind >= METHOD_ACT && row->methods[0].kind <= METHOD_TAIL_LOG;
}
