/* [supervisord] and [slotd], and the sections around the programs. */
#include "options.h"

#include <limits.h>

#define S struct supervisord_config

const struct option_def supervisord_options[] = {
	{"logfile", OPTION_FIELD(S, log), .def = "supervisord.log", .on_change = EFFECT_DAEMON,
	 .help = "slotd's own log. Its directory must exist. NONE for no file, syslog for syslog "
		 "alone. Descriptors and links: as stdout_logfile in [program:x]."},
	{"logfile_maxbytes", OPTION_FIELD_AS(S, log.maxbytes, uint64_t, OPT_SIZE), .def = "50MB",
	 .on_change = EFFECT_DAEMON, .help = "Size at which the log is rotated; 0: never."},
	{"logfile_backups", OPTION_FIELD(S, log.backups), .def = "10", .max = 10000,
	 .on_change = EFFECT_DAEMON, .help = "Rotated files that are kept."},
	{"loglevel", OPTION_FIELD(S, loglevel), .def = "info", .on_change = EFFECT_DAEMON,
	 .help = "critical, error, warn, info, debug, trace or blather."},
	{"pidfile", OPTION_FIELD_AS(S, pidfile, char *, OPT_FILE), .def = "supervisord.pid",
	 .on_change = EFFECT_DAEMON,
	 .help = "File with slotd's process id; what is no regular file, as "
		 "/dev/null, is not written."},
	{"umask", OPTION_FIELD_AS(S, umask, mode_t, OPT_OCTAL), .def = "022",
	 .on_change = EFFECT_DAEMON, .help = "File mode mask of a daemonized slotd."},
	{"nodaemon", OPTION_FIELD(S, nodaemon), .def = "false", .on_change = EFFECT_DAEMON,
	 .help = "Stay in the foreground."},
	{"silent", OPTION_FIELD(S, silent), .def = "false", .on_change = EFFECT_DAEMON,
	 .help = "In the foreground: do not repeat the log on stdout."},
	{"minfds", OPTION_FIELD(S, minfds), .def = "1024", .max = 1 << 30,
	 .on_change = EFFECT_DAEMON, .help = "File descriptors that slotd must be able to open."},
	{"minprocs", OPTION_FIELD(S, minprocs), .def = "200", .max = 1 << 30,
	 .on_change = EFFECT_DAEMON, .help = "Processes that slotd must be able to start."},
	{"nocleanup", OPTION_FIELD(S, nocleanup), .def = "false", .on_change = EFFECT_DAEMON,
	 .help = "Keep the AUTO logs of an earlier run."},
	{"childlogdir", OPTION_FIELD_AS(S, childlogdir, char *, OPT_DIRECTORY),
	 .on_change = EFFECT_DAEMON,
	 .help = "Where AUTO logs are written. Default: the system's temporary directory, or "
		 "log_dir in a file without [supervisord]."},
	{"user", OPTION_FIELD_AS(S, user, struct owner, OPT_USER), .on_change = EFFECT_DAEMON,
	 .help = "User that slotd becomes once its sockets are bound."},
	{"directory", OPTION_FIELD_AS(S, directory, char *, OPT_DIRECTORY),
	 .on_change = EFFECT_DAEMON, .help = "Working directory of a daemonized slotd."},
	{"strip_ansi", OPTION_FIELD(S, strip_ansi), .def = "false", .on_change = EFFECT_LIVE,
	 .help = "Remove terminal escape sequences from the workers' logs."},
	{"environment", OPTION_FIELD_AS(S, environment, char **, OPT_ENVIRONMENT), .def = "",
	 .on_change = EFFECT_RESTART,
	 .help = "Variables for every program. In [supervisord] the value is expanded twice, as by "
		 "Supervisor: one % is written as four."},
	{"identifier", OPTION_FIELD(S, identifier), .def = "supervisor", .on_change = EFFECT_DAEMON,
	 .help = "Name of this slotd for clients and event listeners."},
	{"profile_options", .type = OPT_SPECIAL, .on_change = EFFECT_NONE,
	 .help = "Ignored; a command-line option of Supervisor."},

	{"state_dir", OPTION_FIELD_AS(S, state_dir, char *, OPT_PATH), .on_change = EFFECT_DAEMON,
	 .ours = true,
	 .help = "What must survive a reboot: which slot is live, releases, history. Default: "
		 "$STATE_DIRECTORY (systemd's), /var/lib/slotd; for others than root "
		 "$XDG_STATE_HOME/slotd."},
	{"run_dir", OPTION_FIELD_AS(S, run_dir, char *, OPT_PATH), .on_change = EFFECT_DAEMON,
	 .ours = true,
	 .help = "slotd.sock and the sockets of its helpers. Default: $RUNTIME_DIRECTORY "
		 "(systemd's), /run/slotd; for others than "
		 "root $XDG_RUNTIME_DIR/slotd, else run in the default of state_dir."},
	{"log_dir", OPTION_FIELD_AS(S, log_dir, char *, OPT_PATH), .on_change = EFFECT_DAEMON,
	 .ours = true,
	 .help = "Logs of deploys. Default: $LOGS_DIRECTORY (systemd's), /var/log/slotd; for "
		 "others than root log in "
		 "state_dir."},
	{"helper_user", OPTION_FIELD_AS(S, helper_user, struct owner, OPT_USER), .def = "slotd",
	 .on_change = EFFECT_DAEMON, .ours = true,
	 .help = "As root: user of the helper processes; nobody where it is missing. It must be "
		 "allowed to open the unix sockets of workers."},
	{"relays", OPTION_FIELD(S, relays), .def = "0", .max = 64, .on_change = EFFECT_DAEMON,
	 .ours = true, .help = "Relay processes; 0: one a CPU, 4 at most."},
	{"journal", OPTION_FIELD(S, journal), .def = "true", .on_change = EFFECT_DAEMON,
	 .ours = true,
	 .help = "Write slotd's log to the systemd journal, with fields, when systemd started it."},
	{"reset_signals", OPTION_FIELD(S, reset_signals), .def = "false", .on_change = EFFECT_LIVE,
	 .ours = true,
	 .help = "Start workers with every signal at its default; else SIGPIPE and SIGXFSZ are "
		 "ignored in them, as under Supervisor."},
	{NULL},
};

const struct option_def group_options[] = {
	{"programs", .type = OPT_SPECIAL, .on_change = EFFECT_LIVE,
	 .help = "Names of programs and fcgi-programs, with commas."},
	{"priority", OPTION_FIELD(struct group_config, priority), .def = "999", .min = INT_MIN,
	 .max = INT_MAX, .on_change = EFFECT_LIVE,
	 .help = "Groups of a lower priority start first and stop last."},
	{NULL},
};

const struct option_def unix_server_options[] = {
	{"file", .type = OPT_SPECIAL, .on_change = EFFECT_DAEMON, .help = "Path of the socket."},
	{"chmod", OPTION_FIELD_AS(struct server_config, mode, mode_t, OPT_OCTAL), .def = "0700",
	 .on_change = EFFECT_DAEMON, .help = "Mode of the socket."},
	{"chown", OPTION_FIELD(struct server_config, owner), .on_change = EFFECT_DAEMON,
	 .help = "Owner of the socket."},
	{"username", OPTION_FIELD(struct server_config, username), .on_change = EFFECT_DAEMON,
	 .help = "User name that clients must give."},
	{"password", OPTION_FIELD(struct server_config, password), .on_change = EFFECT_DAEMON,
	 .help = "Its password: plain, {SHA} and a hexadecimal SHA-1, or a crypt(5) hash."},
	{NULL},
};

const struct option_def inet_server_options[] = {
	{"port", .type = OPT_SPECIAL, .on_change = EFFECT_DAEMON,
	 .help = "port, host:port, *:port or [::]:port to listen on. [::] is every IPv6 address "
		 "and "
		 "no IPv4 address; [inet_http_server:2] is one more server."},
	{"username", OPTION_FIELD(struct server_config, username), .on_change = EFFECT_DAEMON,
	 .help = "User name that clients must give."},
	{"password", OPTION_FIELD(struct server_config, password), .on_change = EFFECT_DAEMON,
	 .help = "Its password: plain, {SHA} and a hexadecimal SHA-1, or a crypt(5) hash."},
	{NULL},
};

const struct option_def ctl_options[] = {
	{"serverurl", OPTION_FIELD(struct ctl_config, serverurl), .on_change = EFFECT_NONE,
	 .help = "http://host:port or unix:///path. Default: slotd.sock in run_dir."},
	{"username", OPTION_FIELD(struct ctl_config, username), .on_change = EFFECT_NONE,
	 .help = "User name for the server."},
	{"password", OPTION_FIELD(struct ctl_config, password), .on_change = EFFECT_NONE,
	 .help = "Its password."},
	{"prompt", OPTION_FIELD(struct ctl_config, prompt), .def = "supervisor",
	 .on_change = EFFECT_NONE, .help = "Prompt of the interactive shell."},
	{"history_file", OPTION_FIELD_AS(struct ctl_config, history_file, char *, OPT_PATH),
	 .on_change = EFFECT_NONE, .help = "History of the interactive shell."},
	{NULL},
};

const struct option_def include_options[] = {
	{"files", .type = OPT_SPECIAL, .on_change = EFFECT_LIVE,
	 .help = "Files or shell patterns, with blanks between, relative to this file."},
	{NULL},
};

const struct option_def rpcinterface_options[] = {
	{"supervisor.rpcinterface_factory", .type = OPT_SPECIAL, .on_change = EFFECT_NONE,
	 .help = "supervisor.rpcinterface:make_main_rpcinterface. Python interfaces cannot be "
		 "loaded; they get a warning."},
	{NULL},
};

const struct option_def ctlplugin_options[] = {
	{"supervisor.ctl_factory", .type = OPT_SPECIAL, .on_change = EFFECT_NONE,
	 .help = "A Python function."},
	{NULL},
};
