#include <slotd/command.h>

/* clang-format off */
#define NAME	{ "name", PARAM_TEXT, .tag = TAG_NAME }
#define WAIT	{ "wait", PARAM_FLAG, .optional = true, .otherwise = true, .tag = TAG_WAIT }
#define FORCE	{ "force", PARAM_FLAG, .optional = true, .tag = TAG_FORCE }
#define SIGNAL	{ "signal", PARAM_SCALAR, .tag = TAG_SIGNAL }
#define SERVICE { "service", PARAM_TEXT, .tag = TAG_SERVICE }
#define RELEASE { "release", PARAM_TEXT, .optional = true, .tag = TAG_RELEASE }
#define SLICE	{ "offset", PARAM_INT }, { "length", PARAM_INT }
#define WHY	{ "why", PARAM_TEXT, .tag = TAG_ARG }
#define REASON	{ "why", PARAM_TEXT, .optional = true, .tag = TAG_ARG }
#define UNTIL	{ "until", PARAM_TEXT, .optional = true, .tag = TAG_ARG }
#define SHARE	{ "share", PARAM_SCALAR, .tag = TAG_ARG }
#define LEVEL	{ "level", PARAM_TEXT, .tag = TAG_ARG }

#define READ_HELP                                                                              \
	"If offset >= 0 and length > 0, these bytes; if length is 0, all from offset to the "   \
	"end; if offset < 0 and length is 0, the last -offset bytes. At most 4 MiB are "       \
	"returned, cut between characters."
#define TAIL_HELP                                                                           \
	"Returns [text, size, overflow]: the last length bytes of the log, its size, and "  \
	"whether more than that was written since offset."
#define RESULTS_HELP " Returns [{name, group, status, description}]."

const struct command_row command_rows[COMMAND_MAX_] = {
	[COMMAND_AB] = {
		.name = "ab", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "ab SERVICE SHARE [RELEASE]\tKeep both slots on purpose: the other slot "
			 "gets a share",
		.manual = "The other slot is started and checked as for a swap, and then gets this "
			  "share of the new connections until slotctl promote or slotctl abort, "
			  "also after a reboot. Called again, it changes the share. Deploys and "
			  "swaps are refused meanwhile, with exit status 12. With RELEASE the "
			  "other slot is prepared first, as by a deploy.",
		.flags = ALLOW_JSON | ALLOW_WAIT | ALLOW_DETACH | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.ab", METHOD_JOB, {SERVICE, SHARE, RELEASE},
			"Gives the slot that is not live a share of the new connections, such as "
			"50%, until it is promoted or aborted. Returns the number of the job." }},
	},
	[COMMAND_ABORT] = {
		.name = "abort", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "abort SERVICE\tStop a swap or deploy that has not flipped yet, a canary "
			 "or an A/B test",
		.done = "aborted",
		.manual = "The idle slot is stopped, after it has drained if it had connections; the "
			  "live slot is not touched.",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.abort", METHOD_ACT, {SERVICE},
			"Ends the deploy or swap of a service that has not flipped yet, its canary, or "
			"its A/B test." }},
	},
	[COMMAND_ADD] = {
		.name = "add", .topic = TOPIC_DAEMON,
		.usage = "add GROUP...\tAdd groups that are new in the configuration, and start them",
		.completion = COMPLETE_GROUPS,
		.methods = {{ "supervisor.addProcessGroup", METHOD_ACT, {NAME},
			"Adds a group of the configuration that was read last, and starts its "
			"autostart processes." }},
	},
	[COMMAND_ATTACH] = {
		.name = "attach", .topic = TOPIC_SERVICES, .may = MAY_ALL,
		.usage = "attach SERVICE\tFollow the swap or deploy that is going on, or show "
			 "the last one again",
		.manual = "Prints its log from the beginning, and ends with its exit status. This "
			  "works after any process of slotd was restarted, slotd itself included.",
		.flags = ALLOW_JSON | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.follow", METHOD_FOLLOW,
			{{"job", PARAM_INT}, {"seen", PARAM_INT}},
			"{job, service, kind, step, done, code, text, seq, lines: [{seq, text}]}: "
			"lines of the job's log. seen: 0 at first, then the seq of the answer "
			"before; -1 for no lines. Waits up to 25 s for a line, or for the end of "
			"the job." }},
	},
	[COMMAND_AVAIL] = {
		.name = "avail", .topic = TOPIC_DAEMON, .may = MAY_ALL,
		.usage = "avail\tList all processes of the configuration, active or not",
		.flags = ALLOW_JSON | NO_ARGUMENTS,
		.methods = {{ "supervisor.getAllConfigInfo", METHOD_ALL_CONFIG_INFO, {},
			"Returns the configuration that was read last, as a struct for each "
			"process." }},
	},
	[COMMAND_CANARY] = {
		.name = "canary", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "canary SERVICE SHARE [RELEASE]\tGive the idle slot a share of the new "
			 "connections",
		.manual = "The idle slot is started and checked as for a swap; with RELEASE it is "
			  "prepared first, as by a deploy. Then it gets the share, such as 10%, "
			  "until slotctl promote or slotctl abort, and is given up by itself after "
			  "canary_timeout, or if too much of it fails (canary_crashes, "
			  "canary_failures). Called again, it changes the share; 0% gives the "
			  "canary up. It survives a restart of slotd, but not a reboot. Of a "
			  "kept-alive connection all requests go to the same slot.",
		.flags = ALLOW_JSON | ALLOW_WAIT | ALLOW_DETACH | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.canary", METHOD_JOB, {SERVICE, SHARE, RELEASE},
			"Gives the idle slot a share of the new connections, such as 10%, once it has "
			"passed the gate; or changes that share. Returns the number of the job, which "
			"goes on until the slot is promoted or aborted." }},
	},
	[COMMAND_CLEAR] = {
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
	[COMMAND_DEPLOY] = {
		.name = "deploy", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "deploy SERVICE [RELEASE]\tPrepare the idle slot, start it afresh, and "
			 "swap\n"
			 "deploy --dry-run SERVICE [RELEASE]\tSay what deploy would do, and do "
			 "nothing",
		.manual = "New connections go to the idle slot once its workers have passed the "
			  "gate; the other slot drains. RELEASE is a name for what is deployed: "
			  "the prepare commands get it as SLOTD_RELEASE, and slots and history "
			  "show it. The steps and the output of the prepare commands are printed, "
			  "and kept in the file SERVICE-NUMBER.log in log_dir: the last 8 to 16 "
			  "MiB of them, and the files of the last 30 jobs of a service. If a later "
			  "step fails, what the prepare commands did is not undone. With "
			  "--until=gate the idle slot is made ready and checked, and nothing is "
			  "swapped: the slot stays up, and a swap then goes there at once. With "
			  "--dry-run nothing is run: the steps, the commands with their user and "
			  "directory, the names of their environment variables, the free space, "
			  "and who holds the workers' ports are printed, and the exit status is "
			  "0 if the deploy would begin, 12 if it is busy or frozen, and 10 if it "
			  "would be refused for another reason.",
		.flags = ALLOW_JSON | ALLOW_WAIT | ALLOW_DETACH | ALLOW_UNTIL | ALLOW_DRY_RUN | OURS,
		.completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.deploy", METHOD_JOB, {SERVICE, RELEASE, FORCE, UNTIL},
			"Prepares and starts the idle slot, waits until it passes the gate, and "
			"sends new connections to it. Returns the number of the job." }},
	},
	[COMMAND_DRAIN] = {
		.name = "drain", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "drain --now SERVICE\tClose the connections that the old slot still has",
		.manual = "After a swap the slot that was live before drains by itself; this "
			  "command ends the drain at once.",
		.flags = ALLOW_NOW | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.drainNow", METHOD_ACT, {SERVICE},
			"Closes the connections that the draining slot of a service still has." }},
	},
	[COMMAND_DRY_RUN] = {
		.name = "dry-run", .may = MAY_DEPLOY,
		.methods = {{ "slotd.dryRun", METHOD_LINES, {SERVICE, RELEASE, UNTIL},
			"Says what slotd.deploy would do now, and whether it would be refused. "
			"Runs nothing. Returns {code, lines}: the exit status that slotctl has." }},
	},
	[COMMAND_EOF] = {
		.name = "EOF", .usage = "EOF\tLeave the shell", .flags = HIDDEN, .may = MAY_ANYBODY,
	},
	[COMMAND_EVENT] = {
		.name = "event",
		.methods = {{ "supervisor.sendRemoteCommEvent", METHOD_SEND_EVENT,
			{{"type", PARAM_SCALAR}, {"data", PARAM_SCALAR}},
			"Sends a REMOTE_COMMUNICATION event." }},
	},
	[COMMAND_EXIT] = {
		.name = "exit", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "exit\tLeave the shell",
	},
	[COMMAND_FG] = {
		.name = "fg", .topic = TOPIC_PROCESSES,
		.usage = "fg NAME\tFollow the output of a process and send what is typed to it",
		.manual = "Each line that is typed goes to the standard input of the process. Ctrl-C "
			  "ends the command and leaves the process running.",
		.completion = COMPLETE_WORKERS,
		.methods = {{ "supervisor.sendProcessStdin", METHOD_SEND_STDIN,
			{NAME, {"chars", PARAM_TEXT}},
			"Writes to a process's standard input." }},
	},
	[COMMAND_FREEZE] = {
		.name = "freeze", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "freeze SERVICE WHY\tRefuse deploys and swaps of a service until unfreeze",
		.manual = "They end with exit status 12 and say who has frozen the service and why, "
			  "also after a reboot. A rollback to what the other slot holds is not "
			  "refused.",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.freeze", METHOD_ACT, {SERVICE, WHY},
			"Refuses deploys and swaps of a service until slotd.unfreeze." }},
	},
	[COMMAND_HELP] = {
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
	[COMMAND_HISTORY] = {
		.name = "history", .topic = TOPIC_SERVICES, .may = MAY_READ,
		.usage = "history [SERVICE...]\tList swaps, rollbacks and deploys, and their results",
		.manual = "Each line says when it began, from which slot to which it went, the "
			  "release, how long it took, who asked for it, and how it ended; after a "
			  "failure also the step, the worker and the reason. Lines of freeze, pause "
			  "and offline, and of their ends, say when, who and why. slotd keeps the "
			  "last few thousand lines.",
		.flags = ALLOW_JSON | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.readHistory", METHOD_READ_LOG, {SLICE},
			"Returns swaps, rollbacks and deploys, a line of JSON each. " READ_HELP,
			.channel = CHANNEL_HISTORY }},
	},
	[COMMAND_IMPORT_CHECK] = {
		.name = "import-check", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "import-check FILE\tSay how slotd treats a supervisord.conf, and what "
			 "would run twice",
		.manual = "It lists mistakes in the file, what slotd does differently, which of "
			  "its programs run already and where, and what slotd adds. Nothing is "
			  "changed. The exit status is 0 if nothing needs to be done, 1 if "
			  "something does, and 2 if the file cannot be read.",
		.flags = OURS, .completion = COMPLETE_FILES,
	},
	[COMMAND_LEAVE] = {
		.name = "leave", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "leave [FILE]\tPrint the commands that lead back to Supervisor",
		.manual = "It also lists the options of the file that Supervisor would silently "
			  "ignore. Nothing is changed. See slotd-supervisor(7).",
		.flags = OURS, .completion = COMPLETE_FILES,
	},
	[COMMAND_LOG_LEVEL] = {
		.name = "log-level", .topic = TOPIC_DAEMON,
		.usage = "log-level LEVEL\tSet the level of slotd's log: error, warn, info or debug",
		.manual = "The level holds until the next reload, or until slotd ends.",
		.flags = OURS, .words = "error warn info debug",
		.methods = {{ "slotd.logLevel", METHOD_ACT, {LEVEL},
			"Sets the level of slotd's own log until the next reload." }},
	},
	[COMMAND_MAINTAIL] = {
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
	[COMMAND_METRICS] = {
		.name = "metrics", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "metrics\tPrint what GET /metrics answers, for Prometheus",
		.manual = "Nothing is printed unless all of it has arrived. slotd(8) lists the "
			  "metrics. The role metrics of allow= is enough.",
		.flags = NO_ARGUMENTS | OURS,
	},
	[COMMAND_NOTIFY] = {
		.name = "notify", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "notify --test SERVICE\tRun the notify command of a service with a test, and say "
			 "what came of it",
		.manual = "It prints how the command ended, and the first line that it printed. The exit "
			  "status is 0 if it ended well, else 10.",
		.flags = ALLOW_TEST | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.notifyTest", METHOD_SAY, {SERVICE},
			"Runs the notify command of a service with a test. Returns what came of it." }},
	},
	[COMMAND_OFFLINE] = {
		.name = "offline", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "offline SERVICE [WHY]\tAnswer every request 503, with a page, until online",
		.manual = "Requests that are under way are answered by their workers; every later one, "
			  "also on a connection that was open before, gets the page of "
			  "offline_page= with Retry-After. The paths of offline_health= are "
			  "answered 200. What is not HTTP/1 is closed when it connects; websockets "
			  "and the like stay until they end. The workers may be stopped meanwhile, "
			  "and a swap or deploy may be done, which ends nothing. The service is "
			  "offline also after a reboot. Given again, it reads the page again.",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.offline", METHOD_ACT, {SERVICE, REASON},
			"Answers every request to a service without a worker, with status 503, "
			"until slotd.online." }},
	},
	[COMMAND_ONLINE] = {
		.name = "online", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "online SERVICE\tLet the workers answer the requests of a service again",
		.done = "online",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.online", METHOD_ACT, {SERVICE},
			"Ends what slotd.offline began." }},
	},
	[COMMAND_OPEN] = {
		.name = "open", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "open URL\tTalk to another server: http://HOST:PORT or unix:///PATH",
		.manual = "This is useful in the shell only.",
	},
	[COMMAND_PAUSE] = {
		.name = "pause", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "pause SERVICE\tLet new connections of a service wait until resume",
		.done = "paused: connections wait until: slotctl resume SERVICE",
		.manual = "What is under way goes on. Connections wait in the kernel, in order and as "
			  "many as backlog= says. After pause_timeout= the service is resumed by "
			  "itself. A swap or deploy may be done meanwhile, and the pause goes on when "
			  "slotd is restarted.",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.pause", METHOD_ACT, {SERVICE},
			"Lets new connections of a service wait until slotd.resume, at most for "
			"pause_timeout." }},
	},
	[COMMAND_PID] = {
		.name = "pid", .topic = TOPIC_PROCESSES, .may = MAY_ALL,
		.usage = "pid\tPrint the process id of slotd\n"
			 "pid NAME...\tPrint the process id of each named process\n"
			 "pid all\tPrint the process ids of all processes, one per line",
		.flags = ALLOW_JSON, .completion = COMPLETE_WORKERS,
		.methods = {{ "supervisor.getPID", METHOD_PID, {}, "Returns the process id of slotd." }},
	},
	[COMMAND_PROMOTE] = {
		.name = "promote", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "promote SERVICE\tSend all new connections to the canary, or to the other "
			 "slot of an A/B test",
		.manual = "It goes on as a swap: the slot becomes live, is watched for the time of "
			  "bake=, and the other one drains. Steps of canary_steps= that are left are "
			  "left out.",
		.flags = ALLOW_JSON | ALLOW_DETACH | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.promote", METHOD_JOB, {SERVICE},
			"Sends all new connections to the slot that is a canary or in an A/B test. "
			"Returns the number of the job." }},
	},
	[COMMAND_QUIT] = {
		.name = "quit", .topic = TOPIC_DAEMON, .may = MAY_ANYBODY,
		.usage = "quit\tLeave the shell",
	},
	[COMMAND_RELEASES] = {
		.name = "releases", .topic = TOPIC_SERVICES, .may = MAY_READ,
		.usage = "releases SERVICE\tList the releases that were deployed",
		.manual = "The newest is the last. For each it shows the job, when it began, the release, "
			  "what brought it (deploy, rollback, ...), the slot, who asked for it, and what "
			  "became of it: live in a slot, held by one, done where it was live and no slot "
			  "holds it any more, or in which step it failed, and why. slotctl rollback "
			  "SERVICE JOB brings one back that did not fail. As many are listed as the "
			  "history has.",
		.flags = ALLOW_JSON | OURS, .completion = COMPLETE_SERVICES,
	},
	[COMMAND_RELOAD] = {
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
	[COMMAND_REMOVE] = {
		.name = "remove", .topic = TOPIC_DAEMON,
		.usage = "remove GROUP...\tRemove groups that have stopped",
		.completion = COMPLETE_GROUPS,
		.methods = {{ "supervisor.removeProcessGroup", METHOD_ACT, {NAME},
			"Removes a group that has stopped." }},
	},
	[COMMAND_REOPEN] = {
		.name = "reopen", .topic = TOPIC_DAEMON,
		.usage = "reopen\tClose and reopen all log files, as after a run of logrotate",
		.flags = NO_ARGUMENTS | OURS,
		.methods = {{ "slotd.reopenLogs", METHOD_ACT, {},
			"Closes and reopens all log files, as after a rotation by another "
			"program." }},
	},
	[COMMAND_REREAD] = {
		.name = "reread", .topic = TOPIC_DAEMON,
		.usage = "reread\tRead the configuration and say which groups differ; change "
			 "nothing",
		.flags = ALLOW_JSON | NO_ARGUMENTS,
		.methods = {{ "supervisor.reloadConfig", METHOD_REREAD, {},
			"Reads the configuration and applies nothing. Returns [[added, changed, "
			"removed]]." }},
	},
	[COMMAND_RESTART] = {
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
	[COMMAND_RESTART_DAEMON] = {
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
	[COMMAND_RESUME] = {
		.name = "resume", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "resume SERVICE\tEnd a pause: the connections that wait are served, in "
			 "order",
		.done = "resumed",
		.manual = "The requests of a connection stay in order. All relays take the "
			  "connections at once, so that one may overtake another; with relays=1 "
			  "they are served as they came.",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.resume", METHOD_ACT, {SERVICE},
			"Ends the pause of a service." }},
	},
	[COMMAND_ROLLBACK] = {
		.name = "rollback", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "rollback SERVICE [JOB]\tSend new connections back to the slot that was live before, "
			 "or deploy the release of a former job again",
		.manual = "The slot still holds the release that it had when it was live. rollback is refused "
			  "if the other slot was never live, or if a deploy into it has begun "
			  "since and none has succeeded. While a new slot bakes, rollback goes "
			  "back at once, and the swap or deploy that it ends has exit status 11. A "
			  "rollback after a rollback would go forward again: it is refused unless "
			  "--force is given. JOB is a number that slotctl releases shows: its "
			  "release is deployed again as deploy does it, with SLOTD_RELEASE for the "
			  "prepare commands, unless the other slot still holds it.",
		.flags = ALLOW_JSON | ALLOW_WAIT | ALLOW_FORCE | ALLOW_DETACH |
			 ALLOW_YES | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.rollback", METHOD_JOB, {SERVICE, FORCE, RELEASE},
			"Sends new connections back to the slot that was live before, or deploys "
			"a release again. Returns the number of the job." }},
	},
	[COMMAND_SHUTDOWN] = {
		.name = "shutdown", .topic = TOPIC_DAEMON,
		.usage = "shutdown\tStop all processes and slotd",
		.flags = ALLOW_FORCE | NO_ARGUMENTS,
		.methods = {{ "supervisor.shutdown", METHOD_ACT, {},
			"Stops all processes and slotd." }},
	},
	[COMMAND_SIGNAL] = {
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
	[COMMAND_SLOTS] = {
		.name = "slots", .topic = TOPIC_SERVICES, .may = MAY_ALL,
		.usage = "slots [SERVICE...]\tShow which slot is live, which is draining, and their "
			 "connections",
		.manual = "For both slots of each service it shows the state and since when, the "
			  "release, how many workers pass their health check, the share of new "
			  "connections, and the open connections by kind; see Drain in "
			  "slotd.conf(5).",
		.flags = ALLOW_JSON | OURS, .completion = COMPLETE_SERVICES,
	},
	[COMMAND_START] = {
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
	[COMMAND_STATUS] = {
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
	[COMMAND_STOP] = {
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
	[COMMAND_SWAP] = {
		.name = "swap", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "swap SERVICE\tStart the idle slot, check it, and send new connections to "
			 "it",
		.manual = "This is a deploy without the prepare commands. If the idle slot is warm "
			  "and healthy, it need not be started.",
		.flags = ALLOW_JSON | ALLOW_WAIT | ALLOW_DETACH | ALLOW_YES | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.swap", METHOD_JOB, {SERVICE, FORCE},
			"Starts the idle slot, waits until it passes the gate, and sends new "
			"connections to it. Returns the number of the job." }},
	},
	[COMMAND_TAIL] = {
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
	[COMMAND_UNFREEZE] = {
		.name = "unfreeze", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "unfreeze SERVICE\tAllow deploys and swaps of a service again",
		.done = "deploys are allowed again",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.unfreeze", METHOD_ACT, {SERVICE},
			"Allows deploys and swaps of a service again." }},
	},
	[COMMAND_UPDATE] = {
		.name = "update", .topic = TOPIC_DAEMON,
		.usage = "update [GROUP...]\tRead the configuration, and add, remove and restart "
			 "groups that differ\n"
			 "update --dry-run\tSay what update would do, and change nothing",
		.manual = "This is Supervisor's way to apply a configuration: groups that differ "
			  "are stopped, removed and added; reload restarts less.",
		.flags = ALLOW_FORCE | ALLOW_DRY_RUN,
		.completion = COMPLETE_GROUPS, .words = "all",
	},
	[COMMAND_UPGRADE] = {
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
	[COMMAND_VERSION] = {
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
	[COMMAND_WHOAMI] = {
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
