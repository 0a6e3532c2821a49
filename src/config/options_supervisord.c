/* [supervisord] and [slotd], and the sections around the programs. */
#include "options_supervisord.h"

#include <limits.h>

#define S struct supervisord_config

const struct option_def supervisord_options[] = {
	{"logfile", OPTION_FIELD(S, log), .def = "supervisord.log", .on_change = EFFECT_LIVE,
	 .help = "File for slotd's own log; its directory must exist. NONE: no file; syslog: "
		 "syslog only. Names of descriptors and links are treated as in stdout_logfile "
		 "of [program:x]."},
	{"logfile_maxbytes", OPTION_FIELD_AS(S, log.maxbytes, uint64_t, OPT_SIZE), .def = "50MB",
	 .on_change = EFFECT_LIVE, .help = "Size at which slotd's own log is rotated. 0: never."},
	{"logfile_backups", OPTION_FIELD(S, log.backups), .def = "10", .max = 10000,
	 .on_change = EFFECT_LIVE,
	 .help = "Number of rotated files of slotd's own log that are kept."},
	{"loglevel", OPTION_FIELD(S, loglevel), .def = "info", .on_change = EFFECT_LIVE,
	 .help = "Least severe level that slotd logs: critical, error, warn, info, debug, "
		 "trace or blather."},
	{"pidfile", OPTION_FIELD_AS(S, pidfile, char *, OPT_FILE), .def = "supervisord.pid",
	 .on_change = EFFECT_DAEMON,
	 .help = "File that holds slotd's process id. It is not written if the name exists and "
		 "is not a regular file, such as /dev/null."},
	{"umask", OPTION_FIELD_AS(S, umask, mode_t, OPT_OCTAL), .def = "022",
	 .on_change = EFFECT_DAEMON,
	 .help = "File mode creation mask of slotd when it runs in the background."},
	{"nodaemon", OPTION_FIELD(S, nodaemon), .def = "false", .on_change = EFFECT_DAEMON,
	 .help = "Run in the foreground."},
	{"silent", OPTION_FIELD(S, silent), .def = "false", .on_change = EFFECT_LIVE,
	 .help = "In the foreground, do not write the log to stdout as well."},
	{"minfds", OPTION_FIELD(S, minfds), .def = "1024", .max = 1 << 30,
	 .on_change = EFFECT_DAEMON,
	 .help = "Number of file descriptors that slotd must be able to open."},
	{"minprocs", OPTION_FIELD(S, minprocs), .def = "200", .max = 1 << 30,
	 .on_change = EFFECT_DAEMON,
	 .help = "Number of processes that slotd must be able to start."},
	{"nocleanup", OPTION_FIELD(S, nocleanup), .def = "false", .on_change = EFFECT_DAEMON,
	 .help = "Keep the AUTO logs of earlier runs."},
	{"childlogdir", OPTION_FIELD_AS(S, childlogdir, char *, OPT_DIRECTORY),
	 .on_change = EFFECT_DAEMON,
	 .help = "Directory of AUTO logs. Default: the system's temporary directory, or "
		 "log_dir if the file has no [supervisord]."},
	{"user", OPTION_FIELD_AS(S, user, struct owner, OPT_USER), .on_change = EFFECT_DAEMON,
	 .help = "User that slotd runs as once its sockets are bound."},
	{"directory", OPTION_FIELD_AS(S, directory, char *, OPT_DIRECTORY),
	 .on_change = EFFECT_DAEMON,
	 .help = "Working directory of slotd when it runs in the background."},
	{"strip_ansi", OPTION_FIELD(S, strip_ansi), .def = "false", .on_change = EFFECT_LIVE,
	 .help = "Remove terminal escape sequences from the workers' logs."},
	{"environment", OPTION_FIELD_AS(S, environment, char **, OPT_ENVIRONMENT), .def = "",
	 .on_change = EFFECT_RESTART,
	 .help = "Variables that are added to the environment of every program. In "
		 "[supervisord] the value is expanded twice, as Supervisor does: one % is "
		 "written as four."},
	{"identifier", OPTION_FIELD(S, identifier), .def = "supervisor", .on_change = EFFECT_DAEMON,
	 .help = "Name by which clients and event listeners know this slotd."},
	{"profile_options", .type = OPT_SPECIAL, .on_change = EFFECT_NONE,
	 .help = "Accepted and ignored: in Supervisor this is an option of the command line."},

	{"state_dir", OPTION_FIELD_AS(S, state_dir, char *, OPT_PATH), .on_change = EFFECT_DAEMON,
	 .ours = true,
	 .help = "Directory of what must survive a reboot: which slot is live, releases, and "
		 "the history of deploys. Default: $STATE_DIRECTORY (set by systemd), else "
		 "/var/lib/slotd; for users other than root $XDG_STATE_HOME/slotd."},
	{"run_dir", OPTION_FIELD_AS(S, run_dir, char *, OPT_PATH), .on_change = EFFECT_DAEMON,
	 .ours = true,
	 .help = "Directory of slotd.sock and of the sockets of slotd's helpers. Default: "
		 "$RUNTIME_DIRECTORY (set by systemd), else /run/slotd; for users other than "
		 "root $XDG_RUNTIME_DIR/slotd, else the directory run in the default of "
		 "state_dir."},
	{"log_dir", OPTION_FIELD_AS(S, log_dir, char *, OPT_PATH), .on_change = EFFECT_DAEMON,
	 .ours = true,
	 .help = "Directory of the logs of deploys. Default: $LOGS_DIRECTORY (set by systemd), "
		 "else /var/log/slotd; for users other than root the directory log in "
		 "state_dir."},
	{"helper_user", OPTION_FIELD_AS(S, helper_user, struct owner, OPT_USER), .def = "slotd",
	 .on_change = EFFECT_DAEMON, .ours = true,
	 .help = "User that the helper processes run as if slotd runs as root; nobody if this "
		 "user does not exist. The user must have permission to connect to the unix "
		 "sockets of workers."},
	{"notify", OPTION_FIELD(S, notify), .on_change = EFFECT_LIVE,
	 .help = "Command that is told of deploys and troubles of all services that have none of "
		 "their own, and "
		 "of programs: /bin/sh -c runs it once for each event, with one line of JSON on "
		 "its standard "
		 "input. See TELLING PEOPLE."},
	{"notify_on", OPTION_FIELD(S, notify_on), .on_change = EFFECT_LIVE,
	 .help = "Events of which notify is told: deploy-started, deploy-done, deploy-failed, "
		 "rolled-back, fatal, canary-old, disk-full, drain-long. Default: all."},
	{"notify_timeout", OPTION_FIELD(S, notify_timeout), .on_change = EFFECT_LIVE, .def = "30",
	 .min = SECONDS(1), .max = SECONDS(3600),
	 .help = "Time after which a notify command is killed, which counts as a failure."},
	{"notify_user", OPTION_FIELD_AS(S, notify_user, struct owner, OPT_USER),
	 .on_change = EFFECT_LIVE,
	 .help = "User that the notify command runs as. Default: the user of the workers that it "
		 "is "
		 "about."},
	{"allow", OPTION_FIELD(S, allow), .on_change = EFFECT_LIVE,
	 .help = "Roles of users and @groups on slotd's own socket, such as admin:ana, "
		 "read:@staff, "
		 "deploy:ci or metrics:prometheus; root and the user that slotd runs as may do "
		 "everything. Once there is an allow= anywhere, whoever has no role may not even "
		 "read. See WHO MAY DO WHAT."},
	{"relays", OPTION_FIELD(S, relays), .def = "0", .max = 64, .on_change = EFFECT_DAEMON,
	 .ours = true, .help = "Number of relay processes. 0: one per CPU, at most 4."},
	{"journal", OPTION_FIELD(S, journal), .def = "true", .on_change = EFFECT_LIVE, .ours = true,
	 .help = "Write slotd's log, with fields, to the systemd journal if systemd started "
		 "slotd."},
	{"reset_signals", OPTION_FIELD(S, reset_signals), .def = "false", .on_change = EFFECT_LIVE,
	 .ours = true,
	 .help = "Start workers with every signal at its default action; otherwise workers "
		 "ignore SIGPIPE and SIGXFSZ, as under Supervisor."},
	{NULL},
};

const struct option_def group_options[] = {
	{"programs", .type = OPT_SPECIAL, .on_change = EFFECT_LIVE,
	 .help = "Programs and fcgi-programs of the group, separated by commas."},
	{"priority", OPTION_FIELD(struct group_config, priority), .def = "999", .min = INT_MIN,
	 .max = INT_MAX, .on_change = EFFECT_LIVE,
	 .help = "Groups with a lower priority start first and stop last."},
	{NULL},
};

const struct option_def unix_server_options[] = {
	{"file", .type = OPT_SPECIAL, .on_change = EFFECT_DAEMON,
	 .help = "Path of the socket on which the server listens."},
	{"chmod", OPTION_FIELD_AS(struct server_config, mode, mode_t, OPT_OCTAL), .def = "0700",
	 .on_change = EFFECT_DAEMON, .help = "Mode of the socket."},
	{"chown", OPTION_FIELD(struct server_config, owner), .on_change = EFFECT_DAEMON,
	 .help = "Owner of the socket."},
	{"username", OPTION_FIELD(struct server_config, username), .on_change = EFFECT_DAEMON,
	 .help = "User name that clients must give to this server."},
	{"password", OPTION_FIELD(struct server_config, password), .on_change = EFFECT_DAEMON,
	 .help = "Password that clients must give: plain text, {SHA} followed by a hexadecimal "
		 "SHA-1, or a crypt(5) hash."},
	{NULL},
};

const struct option_def inet_server_options[] = {
	{"port", .type = OPT_SPECIAL, .on_change = EFFECT_DAEMON,
	 .help = "Address on which the server listens: port, host:port, *:port or [::]:port. "
		 "[::] is every IPv6 address and no IPv4 address. A section "
		 "[inet_http_server:2] adds a second server."},
	{"username", OPTION_FIELD(struct server_config, username), .on_change = EFFECT_DAEMON,
	 .help = "User name that clients must give to this server."},
	{"password", OPTION_FIELD(struct server_config, password), .on_change = EFFECT_DAEMON,
	 .help = "Password that clients must give: plain text, {SHA} followed by a hexadecimal "
		 "SHA-1, or a crypt(5) hash."},
	{NULL},
};

const struct option_def ctl_options[] = {
	{"serverurl", OPTION_FIELD(struct ctl_config, serverurl), .on_change = EFFECT_NONE,
	 .help = "Address of the server that slotctl asks: http://host:port or unix:///path. "
		 "Default: slotd.sock in run_dir."},
	{"username", OPTION_FIELD(struct ctl_config, username), .on_change = EFFECT_NONE,
	 .help = "User name that slotctl gives to the server."},
	{"password", OPTION_FIELD(struct ctl_config, password), .on_change = EFFECT_NONE,
	 .help = "Password that slotctl gives to the server."},
	{"prompt", OPTION_FIELD(struct ctl_config, prompt), .def = "supervisor",
	 .on_change = EFFECT_NONE, .help = "Prompt of the interactive shell."},
	{"history_file", OPTION_FIELD_AS(struct ctl_config, history_file, char *, OPT_PATH),
	 .on_change = EFFECT_NONE, .help = "File that keeps the history of the interactive shell."},
	{NULL},
};

const struct option_def include_options[] = {
	{"files", .type = OPT_SPECIAL, .on_change = EFFECT_LIVE,
	 .help = "Files or shell patterns to include, separated by blanks, relative to the "
		 "directory of this file."},
	{NULL},
};

const struct option_def rpcinterface_options[] = {
	{"supervisor.rpcinterface_factory", .type = OPT_SPECIAL, .on_change = EFFECT_NONE,
	 .help = "Python function that makes the interface. "
		 "supervisor.rpcinterface:make_main_rpcinterface is built in; slotd cannot "
		 "load others and warns of them."},
	{NULL},
};

const struct option_def ctlplugin_options[] = {
	{"supervisor.ctl_factory", .type = OPT_SPECIAL, .on_change = EFFECT_NONE,
	 .help = "Python function that makes a plugin; slotd cannot load it and warns of it."},
	{NULL},
};
