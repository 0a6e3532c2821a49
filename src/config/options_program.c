/* [program:x], and what [eventlistener:x] and [fcgi-program:x] have beside it. */
#include "options_program.h"

#include <limits.h>

#define P struct program_config
#define W struct worker_config

#define EACH_WORKER .target = TARGET_WORKER

static const char *const autorestart_names[] = {
	[AUTORESTART_NEVER] = "false",
	[AUTORESTART_UNEXPECTED] = "unexpected",
	[AUTORESTART_ALWAYS] = "true",
	[AUTORESTART_MAX_] = NULL,
};

const struct option_def program_options[] = {
	{"command", OPTION_FIELD(W, command), EACH_WORKER, .on_change = EFFECT_RESTART,
	 .help = "Command that each worker runs. It is split into words as a shell does, "
		 "without variables or patterns. Required."},
	{"process_name", .type = OPT_SPECIAL, .def = "%(program_name)s",
	 .on_change = EFFECT_RESTART,
	 .help = "Name of each worker. If numprocs is more than 1, it must contain "
		 "%(process_num)."},
	{"numprocs", OPTION_FIELD(P, numprocs), .def = "1", .min = -1000000, .max = 8192,
	 .on_change = EFFECT_LIVE, .help = "Number of workers."},
	{"numprocs_start", OPTION_FIELD(P, numprocs_start), .def = "0", .min = -1000000000,
	 .max = 1000000000, .on_change = EFFECT_LIVE,
	 .help = "%(process_num) of the first worker. In a service it is usually the worker's "
		 "port."},
	{"priority", OPTION_FIELD(P, priority), .def = "999", .min = INT_MIN, .max = INT_MAX,
	 .on_change = EFFECT_LIVE,
	 .help = "Programs with a lower priority start first and stop last."},
	{"autostart", OPTION_FIELD(P, autostart), .def = "true", .on_change = EFFECT_LIVE,
	 .help = "Start the program's workers when slotd starts."},
	{"startsecs", OPTION_FIELD(P, policy.startsecs), .def = "1", .on_change = EFFECT_LIVE,
	 .help = "How long a worker must stay up to count as started."},
	{"startretries", OPTION_FIELD(P, policy.startretries), .def = "3", .max = UINT_MAX,
	 .on_change = EFFECT_LIVE,
	 .help = "Number of consecutive failed starts that are retried before the worker is "
		 "FATAL."},
	{"autorestart", OPTION_FIELD_WORD(P, policy.autorestart, autorestart_names),
	 .def = "unexpected", .on_change = EFFECT_LIVE,
	 .help = "When a worker that has ended is restarted: always (true), never (false), or "
		 "if its exit code is not in exitcodes (unexpected)."},
	{"exitcodes", OPTION_FIELD(P, policy.exitcodes), .def = "0", .on_change = EFFECT_LIVE,
	 .help = "Exit codes that are expected; see autorestart."},
	{"stopsignal", OPTION_FIELD_AS(P, policy.stopsignal, int, OPT_SIGNAL), .def = "TERM",
	 .on_change = EFFECT_LIVE, .help = "Signal that asks a worker to end."},
	{"stopwaitsecs", OPTION_FIELD(P, policy.stopwaitsecs), .def = "10",
	 .on_change = EFFECT_LIVE,
	 .help = "How long a worker may take to end after stopsignal before it is sent "
		 "SIGKILL."},
	{"stopasgroup", OPTION_FIELD(P, policy.stopasgroup), .def = "false",
	 .on_change = EFFECT_LIVE, .help = "Send stopsignal to the worker's whole process group."},
	{"killasgroup", OPTION_FIELD(P, policy.killasgroup), .on_change = EFFECT_LIVE,
	 .help = "Send SIGKILL to the worker's whole process group; under systemd, to all that it "
		 "has started (slotd(8), SYSTEMD). Default: the value of stopasgroup."},
	{"user", OPTION_FIELD_AS(P, user, struct owner, OPT_USER), .on_change = EFFECT_RESTART,
	 .help = "User that the workers run as."},
	{"redirect_stderr", OPTION_FIELD(P, redirect_stderr), .def = "false",
	 .on_change = EFFECT_RESTART, .help = "Write the workers' stderr to the stdout log."},
	{"stdout_logfile", OPTION_FIELD(W, logs[0]), EACH_WORKER, .def = "AUTO",
	 .on_change = EFFECT_RESTART,
	 .help = "File to which stdout is written. AUTO: a file in childlogdir; NONE: no file. "
		 "/dev/stdout, /dev/fd/N, /proc/PID/fd/N and links to them name a descriptor "
		 "of slotd or of another process; what is written there is never rotated. A "
		 "link that belongs neither to root nor to slotd's user is not followed; one among "
		 "the directories of the path is, if the directory that it leads to has the same "
		 "owner."},
	{"stdout_logfile_maxbytes", OPTION_FIELD_AS(W, logs[0].maxbytes, uint64_t, OPT_SIZE),
	 EACH_WORKER, .def = "50MB", .on_change = EFFECT_RESTART,
	 .help = "Size at which the stdout log is rotated. 0: never."},
	{"stdout_logfile_backups", OPTION_FIELD(W, logs[0].backups), EACH_WORKER, .def = "10",
	 .max = 10000, .on_change = EFFECT_RESTART,
	 .help = "Number of rotated stdout logs that are kept."},
	{"stdout_capture_maxbytes",
	 OPTION_FIELD_AS(W, logs[0].capture_maxbytes, uint64_t, OPT_SIZE), EACH_WORKER, .def = "0",
	 .on_change = EFFECT_RESTART,
	 .help = "Greatest number of bytes that are captured from stdout between the tokens of "
		 "a PROCESS_COMMUNICATION event. 0: nothing is captured."},
	{"stdout_events_enabled", OPTION_FIELD(W, logs[0].events_enabled), EACH_WORKER,
	 .def = "false", .on_change = EFFECT_RESTART, .help = "Send PROCESS_LOG_STDOUT events."},
	{"stdout_syslog", OPTION_FIELD(W, logs[0].syslog), EACH_WORKER, .def = "false",
	 .on_change = EFFECT_RESTART, .help = "Write stdout to syslog as well."},
	{"stderr_logfile", OPTION_FIELD(W, logs[1]), EACH_WORKER, .def = "AUTO",
	 .on_change = EFFECT_RESTART,
	 .help = "File to which stderr is written; the values are those of stdout_logfile."},
	{"stderr_logfile_maxbytes", OPTION_FIELD_AS(W, logs[1].maxbytes, uint64_t, OPT_SIZE),
	 EACH_WORKER, .def = "50MB", .on_change = EFFECT_RESTART,
	 .help = "Size at which the stderr log is rotated. 0: never."},
	{"stderr_logfile_backups", OPTION_FIELD(W, logs[1].backups), EACH_WORKER, .def = "10",
	 .max = 10000, .on_change = EFFECT_RESTART,
	 .help = "Number of rotated stderr logs that are kept."},
	{"stderr_capture_maxbytes",
	 OPTION_FIELD_AS(W, logs[1].capture_maxbytes, uint64_t, OPT_SIZE), EACH_WORKER, .def = "0",
	 .on_change = EFFECT_RESTART,
	 .help = "Greatest number of bytes that are captured from stderr between the tokens of "
		 "a PROCESS_COMMUNICATION event. 0: nothing is captured."},
	{"stderr_events_enabled", OPTION_FIELD(W, logs[1].events_enabled), EACH_WORKER,
	 .def = "false", .on_change = EFFECT_RESTART, .help = "Send PROCESS_LOG_STDERR events."},
	{"stderr_syslog", OPTION_FIELD(W, logs[1].syslog), EACH_WORKER, .def = "false",
	 .on_change = EFFECT_RESTART, .help = "Write stderr to syslog as well."},
	{"environment", OPTION_FIELD_AS(W, environment, char **, OPT_ENVIRONMENT), EACH_WORKER,
	 .def = "", .on_change = EFFECT_RESTART,
	 .help = "Variables that are added to the environment slotd was started with."},
	{"credential", OPTION_FIELD_AS(W, credentials, char **, OPT_CREDENTIALS), EACH_WORKER,
	 .ours = true, .on_change = EFFECT_RESTART,
	 .help = "Secret of the workers, as NAME:PATH; there may be several such lines. At each "
		 "start of a worker, the content of the file PATH is copied into the file NAME "
		 "in a directory of that worker's own, which it finds in $CREDENTIALS_DIRECTORY. "
		 "The copies are in memory, only the worker's user can read them, and they are "
		 "removed when the worker has ended. PATH must belong to root or to slotd's user, "
		 "and nobody else may be able to change it; all secrets of a worker together have "
		 "at most 1 MiB. run_dir must be on a tmpfs, as /run is."},
	{"directory", OPTION_FIELD(W, directory), EACH_WORKER, .on_change = EFFECT_RESTART,
	 .help = "Working directory of the workers."},
	{"umask", OPTION_FIELD_AS(P, umask, mode_t, OPT_OCTAL), .on_change = EFFECT_RESTART,
	 .help = "File mode creation mask of the workers. Default: slotd's own."},
	{"exclusive", OPTION_FIELD(P, exclusive), .def = "false", .ours = true,
	 .on_change = EFFECT_LIVE,
	 .help = "For a program in a slot that listens on no address, such as a scheduler: its "
		 "worker starts only when every exclusive worker of the other slot has ended, "
		 "whatever starts it. Such a program has one worker."},
	{"schedule", OPTION_FIELD(P, schedule), .ours = true, .on_change = EFFECT_LIVE,
	 .help = "Times at which the program runs, instead of all the time: minute, hour, day of "
		 "the month, month and day of the week as in crontab(5), or @hourly, @daily, "
		 "@weekly, @monthly, @yearly or @reboot; see SCHEDULES. autostart and "
		 "autorestart are then false, and startsecs is 0."},
	{"schedule_zone", OPTION_FIELD(P, schedule_zone), .ours = true, .on_change = EFFECT_LIVE,
	 .help = "Time zone of the schedule, such as Europe/Berlin or UTC. Default: the zone of "
		 "/etc/localtime."},
	{"serverurl", OPTION_FIELD(P, serverurl), .def = "AUTO", .on_change = EFFECT_RESTART,
	 .help = "Value of SUPERVISOR_SERVER_URL in the workers' environment. AUTO: the "
		 "address of the first HTTP server."},
	{NULL},
};

const struct option_def eventlistener_options[] = {
	{"events", .type = OPT_SPECIAL, .on_change = EFFECT_RESTART,
	 .help = "Event types that the listener subscribes to, separated by commas. Required."},
	{"buffer_size", OPTION_FIELD(P, buffer_size), .def = "10", .min = 1, .max = INT_MAX,
	 .on_change = EFFECT_LIVE,
	 .help = "Number of events that may wait until a listener is ready."},
	{"result_handler", OPTION_FIELD(P, result_handler), .def = RESULT_HANDLER_DEFAULT,
	 .on_change = EFFECT_LIVE,
	 .help = "What decides whether a listener's result accepts the event. The default is "
		 "Supervisor's own: OK accepts it. supervisor_stdout:event_handler prints the "
		 "output that the event carries on slotd's stdout. Other Python functions are "
		 "not run."},
	{NULL},
};

const struct option_def fcgi_options[] = {
	{"socket", OPTION_FIELD(P, socket), .on_change = EFFECT_RESTART,
	 .help = "Address of the socket that all workers of the program share: tcp://host:port "
		 "or unix:///path. Required."},
	{"socket_backlog", OPTION_FIELD(P, socket_backlog), .min = 1, .max = 65535,
	 .on_change = EFFECT_RESTART,
	 .help = "Backlog of the shared socket. Default: the greatest that the system allows."},
	{"socket_owner", OPTION_FIELD(P, socket_owner), .on_change = EFFECT_RESTART,
	 .help = "Owner of the shared unix socket. Default: the program's user."},
	{"socket_mode", OPTION_FIELD_AS(P, socket_mode, mode_t, OPT_OCTAL),
	 .on_change = EFFECT_RESTART, .help = "Mode of the shared unix socket. Default: 0700."},
	{NULL},
};
