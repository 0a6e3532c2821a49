/* [service:x] */
#include "options.h"

#define S struct service_config
#define B struct service_slot_config

static const char *const balance_names[] = {
	[BALANCE_ROUND_ROBIN] = "round_robin",
	[BALANCE_LEAST_CONN] = "least_conn",
	[BALANCE_SOURCE] = "source",
	[BALANCE_MAX_] = NULL,
};

static const char *const connect_names[] = {
	[CONNECT_LATE] = "late",
	[CONNECT_EARLY] = "early",
	[CONNECT_MODE_MAX_] = NULL,
};

static const char *const protocol_names[] = {
	[PROTOCOL_AUTO] = "auto",
	[PROTOCOL_HTTP] = "http",
	[PROTOCOL_TCP] = "tcp",
	[PROTOCOL_MAX_] = NULL,
};

static const char *const retry_names[] = {
	[RETRY_SAFE] = "safe",
	[RETRY_IDEMPOTENT] = "idempotent",
	[RETRY_NO] = "no",
	[RETRY_MODE_MAX_] = NULL,
};

static const char *const proxy_names[] = {"off", "v1", "v2", NULL};

#define EACH_SLOT .target = TARGET_SLOT
#define SPECIAL	  .type = OPT_SPECIAL
#define OURS	  .ours = true, .on_change = EFFECT_LIVE

const struct option_def service_options[] = {
	{"listen", SPECIAL, OURS,
	 .help = "The public addresses: host:port, [::]:port, *:port, unix:/path; a list. * is "
		 "every IPv4 address, [::] every IPv6 address and no IPv4 address. They change "
		 "slots together. Required."},
	{"backlog", OPTION_FIELD(S, backlog), OURS, .def = "4096", .min = 1, .max = 65535,
	 .help = "Connections that may wait in the kernel, also while the service holds."},
	{"socket_mode", OPTION_FIELD_AS(S, socket_mode, mode_t, OPT_OCTAL), OURS, .def = "0666",
	 .help = "Mode of unix listen sockets."},
	{"socket_owner", OPTION_FIELD(S, socket_owner), OURS,
	 .help = "Owner of unix listen sockets."},
	{"slot_a", SPECIAL, OURS, .help = "Programs or groups of slot a; a list."},
	{"slot_b", SPECIAL, OURS, .help = "Programs or groups of slot b; a list."},
	{"ports_a", SPECIAL, OURS,
	 .help = "With command=: the ports of slot a's workers, like 8001-8005 or 8001,8003."},
	{"ports_b", SPECIAL, OURS, .help = "With command=: the ports of slot b's workers."},
	{"worker", SPECIAL, OURS, .def = "127.0.0.1:%(process_num)d",
	 .help = "Address of a worker: host:port or unix:/path, with %(process_num)d, "
		 "%(program_name)s and %(slot)s. With the default, programs whose numbers are "
		 "below "
		 "1024 are queue workers."},
	{"queue", SPECIAL, OURS,
	 .help = "Programs of the slots that have no address: they start after the swap to their "
		 "slot and stop with it."},
	{"live_file", OPTION_FIELD_AS(S, live_file, char *, OPT_FILE), OURS,
	 .help = "File that holds a or b, kept true. At the very first start it says who is live."},
	{"live_link", OPTION_FIELD_AS(S, live_link, char *, OPT_FILE), OURS,
	 .help = "Symbolic link that is kept pointing at the live slot's prepare_directory."},

	{"health", SPECIAL, OURS,
	 .help = "When a worker is ready: tcp, http PATH or exec COMMAND. Required."},
	{"health_host", OPTION_FIELD(S, health_host), OURS,
	 .help = "Host header of http checks. Default: the worker's address."},
	{"health_status", OPTION_FIELD(S, health_status), OURS, .def = "200-399",
	 .help = "HTTP statuses that are healthy, like 200-299,404."},
	{"health_header", OPTION_FIELD_AS(S, health_header, char **, OPT_HEADERS), OURS,
	 .help = "More headers of http checks, one a line."},
	{"health_timeout", OPTION_FIELD(S, health_timeout), OURS, .def = "5", .min = MSECONDS(1),
	 .max = SECONDS(3600), .help = "How long one check may take."},
	{"health_interval", OPTION_FIELD(S, health_interval), OURS, .def = "1", .min = MSECONDS(50),
	 .max = SECONDS(86400), .help = "Time between checks of a worker."},
	{"health_rise", OPTION_FIELD(S, health_rise), OURS, .def = "1", .min = 1, .max = 1000,
	 .help = "Good checks in a row that make a worker healthy."},
	{"health_fall", OPTION_FIELD(S, health_fall), OURS, .def = "3", .min = 1, .max = 1000,
	 .help = "Bad checks in a row that make it unhealthy."},
	{"min_ready", OPTION_FIELD(S, min_ready), OURS, .def = "all",
	 .help = "Workers that must run and be healthy before a swap: all, a number, or N%."},
	{"ready_timeout", OPTION_FIELD(S, ready_timeout), OURS, .def = "60", .min = MSECONDS(10),
	 .max = SECONDS(86400), .help = "How long they may take."},

	{"balance", OPTION_FIELD_WORD(S, balance, balance_names), OURS, .def = "round_robin",
	 .help = "How connections are shared out among the live slot's workers."},
	{"connect", OPTION_FIELD_WORD(S, connect, connect_names), OURS,
	 .help = "late: a worker is chosen when the client's first byte is there; early: at once, "
		 "for servers that speak first. Default: late with health=http, else early."},
	{"worker_max", OPTION_FIELD(S, worker_max), OURS, .def = "0", .max = 1000000,
	 .help = "Connections a worker has at once, the rest wait; 0: no limit. The relays "
		 "share it out among themselves."},
	{"proxy_protocol", OPTION_FIELD_WORD(S, proxy_protocol, proxy_names), OURS, .def = "off",
	 .help = "Tell workers the client's address in a PROXY protocol header. Health checks send "
		 "one too, that tells no address."},
	{"connect_timeout", OPTION_FIELD(S, connect_timeout), OURS, .def = "5", .min = MSECONDS(1),
	 .max = SECONDS(3600),
	 .help = "How long a worker may take to accept before the next one is tried."},
	{"hold_timeout", OPTION_FIELD(S, hold_timeout), OURS, .def = "60", .max = SECONDS(86400),
	 .help = "How long connections wait when no worker is up before they are closed."},
	{"protocol", OPTION_FIELD_WORD(S, protocol, protocol_names), OURS, .def = "auto",
	 .help = "auto: HTTP/1 is recognized and followed, so that a kept-alive client changes "
		 "workers between two requests and sees nothing of a swap; http: the same, and "
		 "what "
		 "cannot be followed is logged; tcp: nothing is looked at."},
	{"retry", OPTION_FIELD_WORD(S, retry, retry_names), OURS, .def = "safe",
	 .help = "Which requests go to another worker, once, when theirs died before it answered. "
		 "safe: GET, HEAD and OPTIONS, and any that the worker never read whole; "
		 "idempotent: PUT and DELETE too; no: none. Requests up to 16 KiB."},
	{"client_timeout", OPTION_FIELD(S, client_timeout), OURS, .def = "60",
	 .max = SECONDS(30 * 86400),
	 .help = "How long a client may take for its first byte, and for the head of a request; 0: "
		 "no limit."},
	{"idle_timeout", OPTION_FIELD(S, idle_timeout), OURS, .def = "0",
	 .max = SECONDS(365 * 86400),
	 .help = "How long a client may be still between two requests, or on a connection that is "
		 "not followed; 0: no limit."},
	{"half_close_timeout", OPTION_FIELD(S, half_close_timeout), OURS, .def = "60",
	 .max = SECONDS(30 * 86400),
	 .help = "How long a connection may be still of which one side has ended; 0: no limit."},
	{"drain", OPTION_FIELD(S, drain), OURS, .def = "requests",
	 .help = "What the old slot finishes after a swap. requests: each request and each "
		 "connection that is not followed, while clients between requests go to the new "
		 "slot; connections: each connection; worker: its workers are told to stop at once "
		 "and end their connections themselves; idle:DURATION: as requests, and a "
		 "connection that is not followed is ended once it was still for so long."},
	{"drain_timeout", OPTION_FIELD(S, drain_timeout), OURS, .def = "30",
	 .max = SECONDS(30 * 86400),
	 .help = "How long the old slot may take for that; then what is left is ended."},
	{"drain_spread", OPTION_FIELD(S, drain_spread), OURS, .def = "5", .max = SECONDS(86400),
	 .help = "What is left then is ended evenly over this time, so that its clients do not "
		 "come back all at once."},
	{"idle_keep", OPTION_FIELD(S, idle_keep), OURS, .def = "15m", .max = SECONDS(365 * 86400),
	 .help = "How long the old slot stays warm for a rollback before it is stopped."},
	{"bake", OPTION_FIELD(S, bake), OURS, .def = "0", .max = SECONDS(86400),
	 .help = "How long a new slot is watched after a swap or deploy. If its workers crash more "
		 "than bake_crashes times in this time, or fewer than min_ready of them pass their "
		 "checks, connections go back to the slot that was live before, and the command "
		 "ends with 11. That slot stays warm at least as long. 0: the new slot is not "
		 "watched."},
	{"bake_crashes", OPTION_FIELD(S, bake_crashes), OURS, .def = "1", .max = 10000,
	 .help = "How many crashes of the new slot's workers are borne during bake."},

	{"prepare", OPTION_FIELD_AS(B, prepare, char *, OPT_LINES), EACH_SLOT, OURS,
	 .help = "Commands that a deploy runs in the idle slot before it starts, one a line; the "
		 "first that fails ends the deploy. They run as the workers' user and have the "
		 "workers' "
		 "environment, with HOME, USER, LOGNAME and SHELL of that user where it does not "
		 "set them, and SLOTD_SERVICE, SLOTD_SLOT, SLOTD_LIVE_SLOT, SLOTD_PORTS and "
		 "SLOTD_RELEASE."},
	{"prepare_directory", OPTION_FIELD_AS(B, prepare_directory, char *, OPT_PATH), EACH_SLOT,
	 OURS, .help = "Where they run. Default: the workers' directory."},
	{"prepare_timeout", OPTION_FIELD(S, prepare_timeout), OURS, .def = "1h",
	 .max = SECONDS(365 * 86400), .help = "How long they may take; 0: no limit."},
	{"allow_deploy", OPTION_FIELD(S, allow_deploy), OURS,
	 .help = "Users, and @groups, who may deploy, swap and roll back beside root."},
	{NULL},
};
