/* [program:x], and what [eventlistener:x] and [fcgi-program:x] have beside it. */
#include "options.h"

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
	 .help = "What to run, split like a shell does, without variables or patterns. Required."},
	{"process_name", .type = OPT_SPECIAL, .def = "%(program_name)s",
	 .on_change = EFFECT_RESTART,
	 .help = "Name of each worker; with numprocs over 1 it must hold %(process_num)."},
	{"numprocs", OPTION_FIELD(P, numprocs), .def = "1", .min = -1000000, .max = 8192,
	 .on_change = EFFECT_LIVE, .help = "How many workers."},
	{"numprocs_start", OPTION_FIELD(P, numprocs_start), .def = "0", .min = -1000000000,
	 .max = 1000000000, .on_change = EFFECT_LIVE,
	 .help = "The first %(process_num). In a service it is usually the first port."},
	{"priority", OPTION_FIELD(P, priority), .def = "999", .min = INT_MIN, .max = INT_MAX,
	 .on_change = EFFECT_LIVE, .help = "A lower priority starts first and stops last."},
	{"autostart", OPTION_FIELD(P, autostart), .def = "true", .on_change = EFFECT_LIVE,
	 .help = "Start with slotd."},
	{"startsecs", OPTION_FIELD(P, policy.startsecs), .def = "1", .on_change = EFFECT_LIVE,
	 .help = "How long a worker must live to count as started."},
	{"startretries", OPTION_FIELD(P, policy.startretries), .def = "3", .max = UINT_MAX,
	 .on_change = EFFECT_LIVE, .help = "Failed starts in a row that are retried before FATAL."},
	{"autorestart", OPTION_FIELD_WORD(P, policy.autorestart, autorestart_names),
	 .def = "unexpected", .on_change = EFFECT_LIVE,
	 .help = "Restart a worker that ended: always (true), never (false), or when its exit code "
		 "is not in exitcodes (unexpected)."},
	{"exitcodes", OPTION_FIELD(P, policy.exitcodes), .def = "0", .on_change = EFFECT_LIVE,
	 .help = "Exit codes that are expected."},
	{"stopsignal", OPTION_FIELD_AS(P, policy.stopsignal, int, OPT_SIGNAL), .def = "TERM",
	 .on_change = EFFECT_LIVE, .help = "Signal that asks a worker to end."},
	{"stopwaitsecs", OPTION_FIELD(P, policy.stopwaitsecs), .def = "10",
	 .on_change = EFFECT_LIVE, .help = "How long to wait after it before SIGKILL."},
	{"stopasgroup", OPTION_FIELD(P, policy.stopasgroup), .def = "false",
	 .on_change = EFFECT_LIVE, .help = "Send stopsignal to the worker's process group."},
	{"killasgroup", OPTION_FIELD(P, policy.killasgroup), .on_change = EFFECT_LIVE,
	 .help = "Send SIGKILL to the worker's process group. Default: as stopasgroup."},
	{"user", OPTION_FIELD_AS(P, user, struct owner, OPT_USER), .on_change = EFFECT_RESTART,
	 .help = "User to run as."},
	{"redirect_stderr", OPTION_FIELD(P, redirect_stderr), .def = "false",
	 .on_change = EFFECT_RESTART, .help = "Send stderr into the stdout log."},
	{"stdout_logfile", OPTION_FIELD(W, logs[0]), EACH_WORKER, .def = "AUTO",
	 .on_change = EFFECT_RESTART,
	 .help = "File for stdout; AUTO: one in childlogdir; NONE: nowhere. /dev/stdout, "
		 "/dev/fd/N, /proc/PID/fd/N and links to them mean a descriptor of slotd's or of "
		 "another process, which is never rotated. A link that belongs to neither root "
		 "nor slotd's user is not followed."},
	{"stdout_logfile_maxbytes", OPTION_FIELD_AS(W, logs[0].maxbytes, uint64_t, OPT_SIZE),
	 EACH_WORKER, .def = "50MB", .on_change = EFFECT_RESTART,
	 .help = "Size at which it is rotated; 0: never."},
	{"stdout_logfile_backups", OPTION_FIELD(W, logs[0].backups), EACH_WORKER, .def = "10",
	 .max = 10000, .on_change = EFFECT_RESTART, .help = "Rotated files that are kept."},
	{"stdout_capture_maxbytes",
	 OPTION_FIELD_AS(W, logs[0].capture_maxbytes, uint64_t, OPT_SIZE), EACH_WORKER, .def = "0",
	 .on_change = EFFECT_RESTART,
	 .help = "Bytes between the tokens of a PROCESS_COMMUNICATION event; 0: no capture."},
	{"stdout_events_enabled", OPTION_FIELD(W, logs[0].events_enabled), EACH_WORKER,
	 .def = "false", .on_change = EFFECT_RESTART, .help = "Send PROCESS_LOG_STDOUT events."},
	{"stdout_syslog", OPTION_FIELD(W, logs[0].syslog), EACH_WORKER, .def = "false",
	 .on_change = EFFECT_RESTART, .help = "Send stdout to syslog too."},
	{"stderr_logfile", OPTION_FIELD(W, logs[1]), EACH_WORKER, .def = "AUTO",
	 .on_change = EFFECT_RESTART, .help = "As stdout_logfile, for stderr."},
	{"stderr_logfile_maxbytes", OPTION_FIELD_AS(W, logs[1].maxbytes, uint64_t, OPT_SIZE),
	 EACH_WORKER, .def = "50MB", .on_change = EFFECT_RESTART,
	 .help = "Size at which it is rotated; 0: never."},
	{"stderr_logfile_backups", OPTION_FIELD(W, logs[1].backups), EACH_WORKER, .def = "10",
	 .max = 10000, .on_change = EFFECT_RESTART, .help = "Rotated files that are kept."},
	{"stderr_capture_maxbytes",
	 OPTION_FIELD_AS(W, logs[1].capture_maxbytes, uint64_t, OPT_SIZE), EACH_WORKER, .def = "0",
	 .on_change = EFFECT_RESTART, .help = "As stdout_capture_maxbytes."},
	{"stderr_events_enabled", OPTION_FIELD(W, logs[1].events_enabled), EACH_WORKER,
	 .def = "false", .on_change = EFFECT_RESTART, .help = "Send PROCESS_LOG_STDERR events."},
	{"stderr_syslog", OPTION_FIELD(W, logs[1].syslog), EACH_WORKER, .def = "false",
	 .on_change = EFFECT_RESTART, .help = "Send stderr to syslog too."},
	{"environment", OPTION_FIELD_AS(W, environment, char **, OPT_ENVIRONMENT), EACH_WORKER,
	 .def = "", .on_change = EFFECT_RESTART,
	 .help = "Variables beside those slotd was started with."},
	{"directory", OPTION_FIELD(W, directory), EACH_WORKER, .on_change = EFFECT_RESTART,
	 .help = "Working directory."},
	{"umask", OPTION_FIELD_AS(P, umask, mode_t, OPT_OCTAL), .on_change = EFFECT_RESTART,
	 .help = "File mode mask. Default: slotd's."},
	{"serverurl", OPTION_FIELD(P, serverurl), .def = "AUTO", .on_change = EFFECT_RESTART,
	 .help = "Value of SUPERVISOR_SERVER_URL; AUTO: the first HTTP server."},
	{NULL},
};

const struct option_def eventlistener_options[] = {
	{"events", .type = OPT_SPECIAL, .on_change = EFFECT_RESTART,
	 .help = "Names of event types, with commas. Required."},
	{"buffer_size", OPTION_FIELD(P, buffer_size), .def = "10", .min = 1, .max = INT_MAX,
	 .on_change = EFFECT_LIVE, .help = "Events that wait for a ready listener."},
	{"result_handler", OPTION_FIELD(P, result_handler), .def = RESULT_HANDLER_DEFAULT,
	 .on_change = EFFECT_LIVE,
	 .help = "What a result means. Supervisor's own: OK accepts the event. "
		 "supervisor_stdout:event_handler: the output that the event carries is printed on "
		 "slotd's stdout. Other Python functions are not run."},
	{NULL},
};

const struct option_def fcgi_options[] = {
	{"socket", OPTION_FIELD(P, socket), .on_change = EFFECT_RESTART,
	 .help = "tcp://host:port or unix:///path. Required."},
	{"socket_backlog", OPTION_FIELD(P, socket_backlog), .min = 1, .max = 65535,
	 .on_change = EFFECT_RESTART, .help = "Its backlog. Default: the system's greatest."},
	{"socket_owner", OPTION_FIELD(P, socket_owner), .on_change = EFFECT_RESTART,
	 .help = "Owner of a unix socket. Default: the program's user."},
	{"socket_mode", OPTION_FIELD_AS(P, socket_mode, mode_t, OPT_OCTAL),
	 .on_change = EFFECT_RESTART, .help = "Mode of a unix socket. Default: 0700."},
	{NULL},
};
