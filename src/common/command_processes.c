#include "command_tables.h"

/* clang-format off */
#define WAIT	{ "wait", PARAM_FLAG, .optional = true, .otherwise = true, .tag = TAG_WAIT }
#define SIGNAL	{ "signal", PARAM_SCALAR, .tag = TAG_SIGNAL }

#define TAIL_HELP                                                                           \
	"Returns [text, size, overflow]: the last length bytes of the log, its size, and "  \
	"whether more than that was written since offset."
#define RESULTS_HELP " Returns [{name, group, status, description}]."

const struct command_row *const process_commands[COMMAND_MAX_] = {
	[COMMAND_CLEAR] = &(const struct command_row){
		.name = "clear", .topic = TOPIC_PROCESSES,
		.usage = "clear NAME...\tEmpty the logs of processes\n"
			 "clear all\tEmpty the logs of all processes",
		.completion = COMPLETE_WORKERS,
		.methods = {
			{ "supervisor.clearProcessLogs", METHOD_ACT, {NAME},
			  "Empties the logs of a process.", ABOUT_WORKER },
			{ "supervisor.clearProcessLog", METHOD_ACT, {NAME},
			  "Empties the logs of a process.", ABOUT_WORKER },
			{ "supervisor.clearAllProcessLogs", METHOD_RESULTS, {},
			  "Empties the logs of all processes." RESULTS_HELP, ABOUT_ALL },
			{ "supervisor.clearLog", METHOD_ACT, {}, "Empties slotd's own log." },
		},
	},
	[COMMAND_FG] = &(const struct command_row){
		.name = "fg", .topic = TOPIC_PROCESSES,
		.usage = "fg NAME\tFollow the output of a process and send what is typed to it",
		.manual = "Each line that is typed goes to the standard input of the process. Ctrl-C "
			  "ends the command and leaves the process running.",
		.completion = COMPLETE_WORKERS,
		.methods = {{ "supervisor.sendProcessStdin", METHOD_SEND_STDIN,
			{NAME, {"chars", PARAM_TEXT}},
			"Writes to a process's standard input." }},
	},
	[COMMAND_PID] = &(const struct command_row){
		.name = "pid", .topic = TOPIC_PROCESSES, .may = MAY_ALL,
		.usage = "pid\tPrint the process id of slotd\n"
			 "pid NAME...\tPrint the process id of each named process\n"
			 "pid all\tPrint the process ids of all processes, one per line",
		.flags = ALLOW_JSON, .completion = COMPLETE_WORKERS,
		.methods = {{ "supervisor.getPID", METHOD_PID, {}, "Returns the process id of slotd." }},
	},
	[COMMAND_RESTART] = &(const struct command_row){
		.name = "restart", .topic = TOPIC_PROCESSES, .may = MAY_DEPLOY,
		.usage = "restart NAME...\tStop and start processes, without reading the "
			 "configuration\n"
			 "restart GROUP:*\tRestart all processes of a group\n"
			 "restart all\tRestart all processes\n"
			 "restart --rolling SERVICE\tRestart the workers of the live slot, a few at a "
			 "time",
		.manual = "It asks before it stops workers of a live slot; a script has to say "
			  "--force. The name all leaves idle slots out; to start the workers of "
			  "an idle slot, name them or their group. With --rolling, no request is "
			  "lost: each worker of the live slot gets no new connections, its kept-alive "
			  "clients go on with another worker, and when it has answered its requests "
			  "(or after drain_timeout) it is stopped, and started with the settings that "
			  "the last reload brought; the next one follows when it passes its health "
			  "check. rolling_max= says how many are out of service at once. It is a job "
			  "as a swap is: with a log, a line of history, slotctl attach and slotctl "
			  "abort. A worker that is not healthy within ready_timeout ends it with exit "
			  "status 10; the workers whose turn had not come run on as they were. Where "
			  "one worker serves, it is refused: a swap loses nothing there either. A "
			  "freeze does not refuse it.",
		.flags = ALLOW_FORCE | ALLOW_ROLLING | ALLOW_WAIT | ALLOW_DETACH | ALLOW_JSON,
		.completion = COMPLETE_WORKERS,
		.methods = {{ "slotd.rollingRestart", METHOD_JOB, {SERVICE, FORCE},
			"Restarts the workers of the live slot, a few at a time, so that no request "
			"is lost. Returns the number of the job." }},
	},
	[COMMAND_SIGNAL] = &(const struct command_row){
		.name = "signal", .topic = TOPIC_PROCESSES,
		.usage = "signal SIGNAL NAME...\tSend a signal to processes\n"
			 "signal SIGNAL GROUP:*\tSend a signal to all processes of a group\n"
			 "signal SIGNAL all\tSend a signal to all processes",
		.manual = "SIGNAL is a name or a number.",
		.completion = COMPLETE_SIGNALS,
		.methods = {
			{ "supervisor.signalProcess", METHOD_ACT, {NAME, SIGNAL},
			  "Sends a signal, given by name or number, to a process or, as "
			  "\"group:*\", to a group.",
			  ABOUT_WORKER_OR_GROUP },
			{ "supervisor.signalProcessGroup", METHOD_RESULTS, {NAME, SIGNAL},
			  "Sends a signal to the processes of a group." RESULTS_HELP, ABOUT_GROUP },
			{ "supervisor.signalAllProcesses", METHOD_RESULTS, {SIGNAL},
			  "Sends a signal to every process." RESULTS_HELP, ABOUT_ALL },
		},
	},
	[COMMAND_START] = &(const struct command_row){
		.name = "start", .topic = TOPIC_PROCESSES,
		.usage = "start NAME...\tStart processes\n"
			 "start GROUP:*\tStart all processes of a group\n"
			 "start all\tStart all processes",
		.manual = "The name all leaves idle slots out; to start the workers of an idle slot, "
			  "name them or their group.",
		.completion = COMPLETE_WORKERS,
		.methods = {
			{ "supervisor.startProcess", METHOD_ACT, {NAME, WAIT},
			  "Starts a process or, as \"group:*\", a group. Waits until it runs unless "
			  "wait is false.", ABOUT_WORKER_OR_GROUP },
			{ "supervisor.startProcessGroup", METHOD_RESULTS, {NAME, WAIT},
			  "Starts the processes of a group." RESULTS_HELP, ABOUT_GROUP },
			{ "supervisor.startAllProcesses", METHOD_RESULTS, {WAIT},
			  "Starts every process. Waits until they run unless wait is false."
			  RESULTS_HELP, ABOUT_ALL },
		},
	},
	[COMMAND_STATUS] = &(const struct command_row){
		.name = "status", .topic = TOPIC_PROCESSES, .may = MAY_ALL,
		.usage = "status\tList services and processes, and what needs attention\n"
			 "status NAME...\tList the named processes as supervisorctl does\n"
			 "status GROUP:*\tList all processes of a group",
		.manual = "On a terminal and without names it prints a line for each service, "
			  "followed by those of its workers that need attention, or whose STATUS= "
			  "there is to be shown (health=notify), then all other processes, and the "
			  "commands that help. In a pipe, or with names, it prints Supervisor's "
			  "table.",
		.flags = ALLOW_JSON, .completion = COMPLETE_WORKERS,
		.methods = {
			{ "slotd.status", METHOD_STATUS, {{ "service", PARAM_TEXT, .optional = true }},
			  "Returns {daemon, workers, services}. A worker has the members that "
			  "getProcessInfo returns, and more. If a service is named: only that "
			  "service and its workers." },
			{ "slotd.processes", METHOD_PROCESSES, {},
			  "Returns [{name, group, state, statename, description}] of all "
			  "processes: the part of getAllProcessInfo that a list shows." },
			{ "slotd.services", METHOD_SERVICES, {},
			  "Returns {workers, services} as slotd.status does, without the workers "
			  "that belong to no service." },
			{ "supervisor.getAllProcessInfo", METHOD_ALL_PROCESS_INFO, {},
			  "Returns what getProcessInfo does, for every process." },
			{ "supervisor.getProcessInfo", METHOD_PROCESS_INFO, {NAME},
			  "Returns the state of a process." },
			{ "supervisor.getState", METHOD_STATE, {},
			  "Returns the state of slotd: {statecode, statename}." },
		},
	},
	[COMMAND_STOP] = &(const struct command_row){
		.name = "stop", .topic = TOPIC_PROCESSES,
		.usage = "stop NAME...\tStop processes\n"
			 "stop GROUP:*\tStop all processes of a group\n"
			 "stop all\tStop all processes",
		.manual = "It asks before it stops workers of a live slot; a script has to say "
			  "--force.",
		.flags = ALLOW_FORCE, .completion = COMPLETE_WORKERS,
		.methods = {
			{ "supervisor.stopProcess", METHOD_ACT, {NAME, WAIT},
			  "Stops a process or, as \"group:*\", a group. Waits until it has ended "
			  "unless wait is false.", ABOUT_WORKER_OR_GROUP },
			{ "supervisor.stopProcessGroup", METHOD_RESULTS, {NAME, WAIT},
			  "Stops the processes of a group." RESULTS_HELP, ABOUT_GROUP },
			{ "supervisor.stopAllProcesses", METHOD_RESULTS, {WAIT},
			  "Stops every process. Waits until they have ended unless wait is false."
			  RESULTS_HELP, ABOUT_ALL },
		},
	},
	[COMMAND_TAIL] = &(const struct command_row){
		.name = "tail", .topic = TOPIC_PROCESSES, .may = MAY_READ,
		.usage = "tail [-f|-BYTES] NAME [stdout|stderr]\tPrint the end of a process's log; -f: "
			 "follow it",
		.manual = "Without BYTES it prints the last 1600 bytes. Ctrl-C ends -f.",
		.completion = COMPLETE_WORKERS, .words = "-f stdout stderr",
		.methods = {
			{ "supervisor.readProcessStdoutLog", METHOD_READ_LOG, {NAME, SLICE},
			  "Returns a part of a process's stdout log. " READ_HELP },
			{ "supervisor.readProcessStderrLog", METHOD_READ_LOG, {NAME, SLICE},
			  "Returns a part of a process's stderr log. " READ_HELP, .channel = 1 },
			{ "supervisor.readProcessLog", METHOD_READ_LOG, {NAME, SLICE},
			  "Returns a part of a process's stdout log. " READ_HELP },
			{ "supervisor.tailProcessStdoutLog", METHOD_TAIL_LOG, {NAME, SLICE},
			  TAIL_HELP },
			{ "supervisor.tailProcessStderrLog", METHOD_TAIL_LOG, {NAME, SLICE},
			  TAIL_HELP, .channel = 1 },
			{ "supervisor.tailProcessLog", METHOD_TAIL_LOG, {NAME, SLICE},
			  TAIL_HELP },
		},
	},
};
/* clang-format on */
