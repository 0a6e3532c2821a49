#include "command_tables.h"

/* clang-format off */
#define LEVEL	{ "level", PARAM_TEXT, .tag = TAG_ARG }

const struct command_row *const daemon_commands[COMMAND_MAX_] = {
	[COMMAND_ADD] = &(const struct command_row){
		.name = "add", .topic = TOPIC_DAEMON,
		.usage = "add GROUP...\tAdd groups that are new in the configuration, and start them",
		.completion = COMPLETE_GROUPS,
		.methods = {{ "supervisor.addProcessGroup", METHOD_ACT, {NAME},
			"Adds a group of the configuration that was read last, and starts its "
			"autostart processes." }},
	},
	[COMMAND_AVAIL] = &(const struct command_row){
		.name = "avail", .topic = TOPIC_DAEMON, .may = MAY_ALL,
		.usage = "avail\tList all processes of the configuration, active or not",
		.flags = ALLOW_JSON | NO_ARGUMENTS,
		.methods = {{ "supervisor.getAllConfigInfo", METHOD_ALL_CONFIG_INFO, {},
			"Returns the configuration that was read last, as a struct for each "
			"process." }},
	},
	[COMMAND_EOF] = &(const struct command_row){
		.name = "EOF", .usage = "EOF\tLeave the shell", .flags = HIDDEN, .may = MAY_ANYBODY,
	},
	[COMMAND_EVENT] = &(const struct command_row){
		.name = "event",
		.methods = {{ "supervisor.sendRemoteCommEvent", METHOD_SEND_EVENT,
			{{"type", PARAM_SCALAR}, {"data", PARAM_SCALAR}},
			"Sends a REMOTE_COMMUNICATION event." }},
	},
	[COMMAND_EXIT] = &(const struct command_row){
		.name = "exit", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "exit\tLeave the shell",
	},
	[COMMAND_HELP] = &(const struct command_row){
		.name = "help", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "help\tList the commands\nhelp COMMAND\tSay what a command does",
		.flags = HIDDEN, .completion = COMPLETE_COMMANDS,
		.methods = {
			{ "system.listMethods", METHOD_LIST_METHODS, {},
			  "Returns the names of all methods." },
			{ "system.methodHelp", METHOD_METHOD_HELP, {NAME},
			  "Says what a method does." },
			{ "system.methodSignature", METHOD_METHOD_SIGNATURE, {NAME},
			  "Returns [type of the result, types of the parameters]." },
			{ "system.multicall", METHOD_MULTICALL, {{"calls", PARAM_LIST}},
			  "Runs the calls [{methodName, params}] in order. Returns a value, or "
			  "{faultCode, faultString}, for each." },
		},
	},
	[COMMAND_IMPORT_CHECK] = &(const struct command_row){
		.name = "import-check", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "import-check FILE\tSay how slotd treats a supervisord.conf, and what "
			 "would run twice",
		.manual = "It lists mistakes in the file, what slotd does differently, which of "
			  "its programs run already and where, and what slotd adds. Nothing is "
			  "changed. The exit status is 0 if nothing needs to be done, 1 if "
			  "something does, and 2 if the file cannot be read.",
		.flags = OURS, .completion = COMPLETE_FILES,
	},
	[COMMAND_LEAVE] = &(const struct command_row){
		.name = "leave", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "leave [FILE]\tPrint the commands that lead back to Supervisor",
		.manual = "It also lists the options of the file that Supervisor would silently "
			  "ignore. Nothing is changed. See slotd-supervisor(7).",
		.flags = OURS, .completion = COMPLETE_FILES,
	},
	[COMMAND_LOG_LEVEL] = &(const struct command_row){
		.name = "log-level", .topic = TOPIC_DAEMON,
		.usage = "log-level LEVEL\tSet the level of slotd's log: error, warn, info or debug",
		.manual = "The level holds until the next reload, or until slotd ends.",
		.flags = OURS, .words = "error warn info debug",
		.methods = {{ "slotd.logLevel", METHOD_ACT, {LEVEL},
			"Sets the level of slotd's own log until the next reload." }},
	},
	[COMMAND_MAINTAIL] = &(const struct command_row){
		.name = "maintail", .topic = TOPIC_DAEMON,
		.usage = "maintail [-f|-BYTES]\tPrint the end of slotd's own log; -f: follow it",
		.words = "-f",
		.methods = {
			{ "supervisor.readLog", METHOD_READ_LOG, {SLICE},
			  "Returns a part of slotd's own log. " READ_HELP, .channel = CHANNEL_OWN },
			{ "supervisor.readMainLog", METHOD_READ_LOG, {SLICE},
			  "Returns a part of slotd's own log. " READ_HELP, .channel = CHANNEL_OWN },
		},
	},
	[COMMAND_METRICS] = &(const struct command_row){
		.name = "metrics", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "metrics\tPrint what GET /metrics answers, for Prometheus",
		.manual = "Nothing is printed unless all of it has arrived. slotd(8) lists the "
			  "metrics. The role metrics of allow= is enough.",
		.flags = NO_ARGUMENTS | OURS,
	},
	[COMMAND_OPEN] = &(const struct command_row){
		.name = "open", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "open URL\tTalk to another server: http://HOST:PORT or unix:///PATH",
		.manual = "This is useful in the shell only.",
	},
	[COMMAND_QUIT] = &(const struct command_row){
		.name = "quit", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "quit\tLeave the shell",
	},
	[COMMAND_RELOAD] = &(const struct command_row){
		.name = "reload", .topic = TOPIC_DAEMON,
		.usage = "reload\tCheck the configuration and apply what has changed in it",
		.manual = "It prints what was done. Whatever has not changed keeps running, and a "
			  "file with a mistake changes nothing. Workers of a live slot are not "
			  "restarted: they get their new settings at the next deploy.",
		.flags = ALLOW_FORCE | ALLOW_JSON | NO_ARGUMENTS,
		.methods = {{ "slotd.reload", METHOD_RELOAD, {FORCE},
			"Checks the configuration and applies what has changed. Returns {added, "
			"changed, removed, restarted, messages, services_added, services_changed, "
			"services_removed}." }},
	},
	[COMMAND_REMOVE] = &(const struct command_row){
		.name = "remove", .topic = TOPIC_DAEMON,
		.usage = "remove GROUP...\tRemove groups that have stopped",
		.completion = COMPLETE_GROUPS,
		.methods = {{ "supervisor.removeProcessGroup", METHOD_ACT, {NAME},
			"Removes a group that has stopped." }},
	},
	[COMMAND_REOPEN] = &(const struct command_row){
		.name = "reopen", .topic = TOPIC_DAEMON,
		.usage = "reopen\tClose and reopen all log files, as after a run of logrotate",
		.flags = NO_ARGUMENTS | OURS,
		.methods = {{ "slotd.reopenLogs", METHOD_ACT, {},
			"Closes and reopens all log files, as after a rotation by another "
			"program." }},
	},
	[COMMAND_REREAD] = &(const struct command_row){
		.name = "reread", .topic = TOPIC_DAEMON,
		.usage = "reread\tRead the configuration and say which groups differ; change "
			 "nothing",
		.flags = ALLOW_JSON | NO_ARGUMENTS,
		.methods = {{ "supervisor.reloadConfig", METHOD_REREAD, {},
			"Reads the configuration and applies nothing. Returns [[added, changed, "
			"removed]]." }},
	},
	[COMMAND_RESTART_DAEMON] = &(const struct command_row){
		.name = "restart-daemon", .topic = TOPIC_DAEMON,
		.usage = "restart-daemon\tStop everything, read the configuration and start again",
		.manual = "This is what supervisorctl calls reload.",
		.flags = ALLOW_FORCE | NO_ARGUMENTS | OURS,
		.methods = {
			{ "slotd.restartDaemon", METHOD_ACT, {},
			  "Stops everything and starts again." },
			{ "supervisor.restart", METHOD_ACT, {},
			  "Stops everything and starts again." },
		},
	},
	[COMMAND_SHUTDOWN] = &(const struct command_row){
		.name = "shutdown", .topic = TOPIC_DAEMON,
		.usage = "shutdown\tStop all processes and slotd",
		.flags = ALLOW_FORCE | NO_ARGUMENTS,
		.methods = {{ "supervisor.shutdown", METHOD_ACT, {},
			"Stops all processes and slotd." }},
	},
	[COMMAND_UPDATE] = &(const struct command_row){
		.name = "update", .topic = TOPIC_DAEMON,
		.usage = "update [GROUP...]\tRead the configuration, and add, remove and restart "
			 "groups that differ\n"
			 "update --dry-run\tSay what update would do, and change nothing",
		.manual = "This is Supervisor's way to apply a configuration: groups that differ "
			  "are stopped, removed and added; reload restarts less.",
		.flags = ALLOW_FORCE | ALLOW_DRY_RUN,
		.completion = COMPLETE_GROUPS, .words = "all",
	},
	[COMMAND_UPGRADE] = &(const struct command_row){
		.name = "upgrade", .topic = TOPIC_DAEMON,
		.usage = "upgrade\tReplace slotd by the one that is installed now; workers and "
			 "connections go on",
		.manual = "The new slotd first says whether it can take over; if it cannot, or "
			  "does not come up, the old one goes on. Workers keep their processes, "
			  "and open connections the slotd-relay that they have. It is refused "
			  "while a deploy, swap or rollback is going on, and when the "
			  "configuration was edited and not applied. --force executes the same "
			  "file, too, which renews the helpers. Event listeners are restarted.",
		.flags = ALLOW_FORCE | NO_ARGUMENTS | OURS,
		.methods = {{ "slotd.upgrade", METHOD_ACT, {FORCE},
			"Executes the slotd that is installed now in the place of the one that "
			"runs; whatever it supervises goes on." }},
	},
	[COMMAND_VERSION] = &(const struct command_row){
		.name = "version", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "version\tPrint the version of Supervisor with which the server is "
			 "compatible",
		.flags = ALLOW_JSON | NO_ARGUMENTS,
		.methods = {
			{ "supervisor.getSupervisorVersion", METHOD_TEXT, {},
			  "Returns the version of Supervisor with which slotd is compatible.", .text = "4.2.5" },
			{ "supervisor.getAPIVersion", METHOD_TEXT, {},
			  "Returns the version of this API.", .text = "3.0" },
			{ "supervisor.getVersion", METHOD_TEXT, {},
			  "Returns the version of this API.", .text = "3.0" },
			{ "supervisor.getIdentification", METHOD_IDENTIFICATION, {},
			  "Returns the identifier= of the configuration." },
		},
	},
	[COMMAND_WHOAMI] = &(const struct command_row){
		.name = "whoami", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "whoami\tSay as whom slotd knows you, and what you may do",
		.manual = "slotd goes by the user and the primary group of the process that is at the "
			  "other end of its socket; nothing that the process says of itself counts, "
			  "so under sudo you are root.",
		.flags = NO_ARGUMENTS | OURS,
		.methods = {{ "slotd.whoami", METHOD_SAY, {},
			"Says as whom slotd knows the caller, and what that one may do." }},
	},
};
/* clang-format on */
