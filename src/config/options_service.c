/* [service:x] */
#include "options_service.h"

#define S struct service_config
#define B struct service_slot_config

static const char *const balance_names[] = {
	[BALANCE_ROUND_ROBIN] = "round_robin",
	[BALANCE_LEAST_CONN] = "least_conn",
	[BALANCE_SOURCE] = "source",
	[BALANCE_MAX_] = NULL,
};

static const char *const consumers_names[] = {
	[CONSUMERS_AFTER_FLIP] = "after_flip",
	[CONSUMERS_WITH_SLOT] = "with_slot",
	[CONSUMERS_MAX_] = NULL,
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
	 .help = "Public addresses on which the service accepts connections: a list of "
		 "host:port, *:port (every IPv4 address), [::]:port (every IPv6 address and no "
		 "IPv4 address) and unix:/path. A swap moves all of them together. Required."},
	{"preview_listen", SPECIAL, OURS,
	 .help = "Addresses, as those of listen, that reach the workers of the idle slot, "
		 "whichever "
		 "it is: to look at a release before the swap. Where no worker of the idle slot is "
		 "up, an HTTP request is answered 503, and other connections are closed. Let only "
		 "those reach it who may see what is not public yet."},
	{"backlog", OPTION_FIELD(S, backlog), OURS, .def = "4096", .min = 1, .max = 65535,
	 .help = "Number of connections that may wait in the kernel until slotd accepts them, "
		 "also while no worker is up."},
	{"socket_mode", OPTION_FIELD_AS(S, socket_mode, mode_t, OPT_OCTAL), OURS, .def = "0666",
	 .help = "Mode of the unix sockets that listen names."},
	{"socket_owner", OPTION_FIELD(S, socket_owner), OURS,
	 .help = "Owner of the unix sockets that listen names."},
	{"slot_a", SPECIAL, OURS, .help = "Programs or groups that make up slot a, as a list."},
	{"slot_b", SPECIAL, OURS, .help = "Programs or groups that make up slot b, as a list."},
	{"ports_a", SPECIAL, OURS,
	 .help = "Ports of slot a's workers, such as 8001-8005 or 8001,8003, when the section "
		 "has its own command."},
	{"ports_b", SPECIAL, OURS,
	 .help = "Ports of slot b's workers, such as 8100-8104, when the section has its own "
		 "command."},
	{"worker", SPECIAL, OURS, .def = "127.0.0.1:%(process_num)d",
	 .help = "Address at which a worker listens: host:port or unix:/path, with "
		 "%(process_num)d, %(program_name)s and %(slot)s. With the default address, a "
		 "program whose process numbers are below 1024 counts as a queue program."},
	{"queue", SPECIAL, OURS,
	 .help = "Programs of the slots whose workers listen on no address, such as those that "
		 "take jobs from a queue. consumers says when they run."},
	{"consumers", OPTION_FIELD_WORD(S, consumers, consumers_names), OURS, .def = "after_flip",
	 .help = "When the workers run that listen on no address. after_flip: in the live slot "
		 "only; after a swap those of the new slot start when those of the old one have "
		 "ended. with_slot: from the start of their slot, before the gate, until it "
		 "stops, for programs that the other workers of the slot need. Exclusive programs "
		 "run after_flip in any case."},
	{"live_file", OPTION_FIELD_AS(S, live_file, char *, OPT_FILE), OURS,
	 .help = "File that holds a or b, the name of the live slot; slotd keeps it up to "
		 "date. At slotd's very first start it decides which slot is live."},
	{"live_link", OPTION_FIELD_AS(S, live_link, char *, OPT_FILE), OURS,
	 .help = "Symbolic link that slotd keeps pointing at the prepare_directory of the live "
		 "slot."},

	{"health", SPECIAL, OURS,
	 .help = "How to know that a worker is ready and stays so: tcp, http PATH or exec "
		 "COMMAND check it again and again; with notify it says so itself, as a "
		 "service of systemd does: by READY=1 on the socket named in NOTIFY_SOCKET "
		 "(sd_notify(3)). Required."},
	{"health_host", OPTION_FIELD(S, health_host), OURS,
	 .help = "Host header of HTTP health checks. Default: the worker's address."},
	{"health_status", OPTION_FIELD(S, health_status), OURS, .def = "200-399",
	 .help = "HTTP statuses that count as healthy, such as 200-299,404."},
	{"health_header", OPTION_FIELD_AS(S, health_header, char **, OPT_HEADERS), OURS,
	 .help = "Additional headers of HTTP health checks, one per line."},
	{"health_timeout", OPTION_FIELD(S, health_timeout), OURS, .def = "5", .min = MSECONDS(1),
	 .max = SECONDS(3600),
	 .help = "Time after which a health check without an answer has failed."},
	{"health_interval", OPTION_FIELD(S, health_interval), OURS, .def = "1", .min = MSECONDS(50),
	 .max = SECONDS(86400), .help = "Time between two health checks of the same worker."},
	{"health_rise", OPTION_FIELD(S, health_rise), OURS, .def = "1", .min = 1, .max = 1000,
	 .help = "Number of consecutive successful health checks after which a worker is "
		 "healthy."},
	{"health_fall", OPTION_FIELD(S, health_fall), OURS, .def = "3", .min = 1, .max = 1000,
	 .help = "Number of consecutive failed health checks after which a worker is "
		 "unhealthy."},
	{"health_start_period", OPTION_FIELD(S, health_start_period), OURS, .def = "0",
	 .max = SECONDS(86400),
	 .help = "Time after a worker's start in which failed health checks do not count "
		 "against the worker, until one has passed. 0: they count from the start on."},
	{"health_restart", OPTION_FIELD(S, health_restart), OURS, .def = "no",
	 .help = "yes: a worker of the live slot, or of the other slot of an A/B test, that has "
		 "become unhealthy is restarted, one worker at a time, and after a restart that "
		 "did not help ever later, up to a "
		 "minute. A worker that has passed no check since its start is restarted "
		 "only after health_start_period, or after ready_timeout where that is 0. no: "
		 "an unhealthy worker only gets no new connections while others are healthy."},
	{"health_watchdog", OPTION_FIELD(S, health_watchdog), OURS, .def = "0",
	 .max = SECONDS(86400),
	 .help = "With health=notify, the longest time between two WATCHDOG=1 of a worker that "
		 "is ready; workers find it in WATCHDOG_USEC. A worker that is late gets no "
		 "new connections, is ended by SIGABRT, by SIGKILL after stopwaitsecs, and is "
		 "started again as autorestart says. 0: no watchdog."},
	{"min_ready", OPTION_FIELD(S, min_ready), OURS, .percent = true, .def = "all",
	 .help = "Workers of the idle slot that must be running and healthy before a swap: "
		 "all, a number, or a percentage such as 80%."},
	{"ready_timeout", OPTION_FIELD(S, ready_timeout), OURS, .def = "60", .min = MSECONDS(10),
	 .max = SECONDS(86400),
	 .help = "How long a swap waits until min_ready workers of the idle slot are running "
		 "and healthy; after that the swap fails."},

	{"balance", OPTION_FIELD_WORD(S, balance, balance_names), OURS, .def = "round_robin",
	 .help = "How new connections are distributed among the workers of the live slot."},
	{"connect", OPTION_FIELD_WORD(S, connect, connect_names), OURS,
	 .help = "When a worker is chosen for a new connection. late: when the client's first "
		 "byte has arrived; early: at once, for servers that speak first. Default: "
		 "late with health=http, otherwise early."},
	{"worker_max", OPTION_FIELD(S, worker_max), OURS, .def = "0", .max = 1000000,
	 .help = "Greatest number of connections that a worker has at once; further "
		 "connections wait. 0: no limit. The relay processes divide the number among "
		 "themselves."},
	{"proxy_protocol", OPTION_FIELD_WORD(S, proxy_protocol, proxy_names), OURS, .def = "off",
	 .help = "Version of the PROXY protocol header that tells workers the client's "
		 "address. Health checks send such a header too, without an address."},
	{"connect_timeout", OPTION_FIELD(S, connect_timeout), OURS, .def = "5", .min = MSECONDS(1),
	 .max = SECONDS(3600),
	 .help = "How long a worker may take to accept a connection before the next worker is "
		 "tried."},
	{"hold_timeout", OPTION_FIELD(S, hold_timeout), OURS, .def = "60", .max = SECONDS(86400),
	 .help = "How long a connection waits while no worker is up; after that it is closed."},
	{"pause_timeout", OPTION_FIELD(S, pause_timeout), OURS, .def = "30", .min = MSECONDS(1),
	 .max = SECONDS(86400),
	 .help = "How long slotctl pause may hold new connections; then the service is resumed "
		 "by itself. A connection that waits longer than hold_timeout is closed."},
	{"offline_page", OPTION_FIELD_AS(S, offline_page, char *, OPT_PATH), OURS,
	 .help = "File with the page, of at most 256 KiB, that every request is answered with "
		 "status 503 while the service is offline (slotctl offline). The end of its name "
		 "gives its type: .html, .json, .txt, .xml, .svg. It is read as the user of the "
		 "workers, at the start, at a reload and by slotctl offline. With this option, "
		 "requests get the page as well when no worker has been up for hold_timeout. "
		 "Default: a short page that is built in."},
	{"offline_retry_after", OPTION_FIELD(S, offline_retry_after), OURS, .def = "60",
	 .max = SECONDS(30 * 86400),
	 .help = "The Retry-After header of the offline page. 0: it has none."},
	{"offline_health", OPTION_FIELD(S, offline_health), OURS,
	 .help = "Paths, separated by spaces, that are answered with status 200 while the service "
		 "is offline, so that a balancer in front goes on sending it requests. Default: "
		 "the path of health=http."},
	{"announce", OPTION_FIELD_AS(S, announce, char *, OPT_LINES), OURS,
	 .help = "Commands that run before slotctl pause and slotctl offline take effect, and "
		 "after "
		 "resume and online, one per line. They run as the prepare commands do, for the "
		 "live slot, with SLOTD_ANNOUNCE (pause, resume, offline or online), "
		 "SLOTD_WHO and SLOTD_WHY. One that fails is logged, and stops nothing."},
	{"announce_timeout", OPTION_FIELD(S, announce_timeout), OURS, .def = "30",
	 .min = MSECONDS(10), .max = SECONDS(3600),
	 .help = "How long all announce commands may take together; then they are ended."},
	{"protocol", OPTION_FIELD_WORD(S, protocol, protocol_names), OURS, .def = "auto",
	 .help = "How far slotd reads what clients send. auto: it recognizes and follows "
		 "HTTP/1, so that a kept-alive client changes workers between two requests and "
		 "does not notice a swap. http: the same, and what cannot be followed is "
		 "logged. tcp: nothing is read."},
	{"retry", OPTION_FIELD_WORD(S, retry, retry_names), OURS, .def = "safe",
	 .help = "Which requests are sent to a second worker, once, when the first worker dies "
		 "before it answers, or leaves them unread for 100 ms. safe: GET, HEAD and "
		 "OPTIONS, "
		 "and every other request of which a dead worker provably read nothing. "
		 "idempotent: PUT and DELETE as well. "
		 "no: none. Only requests of up to 16 KiB are sent again."},
	{"client_timeout", OPTION_FIELD(S, client_timeout), OURS, .def = "60",
	 .max = SECONDS(30 * 86400),
	 .help = "How long a client may take to send its first byte, and to send the head of a "
		 "request. 0: no limit."},
	{"idle_timeout", OPTION_FIELD(S, idle_timeout), OURS, .def = "0",
	 .max = SECONDS(365 * 86400),
	 .help = "How long a client may be silent between two requests, or on a connection "
		 "that is not followed as HTTP/1. 0: no limit."},
	{"half_close_timeout", OPTION_FIELD(S, half_close_timeout), OURS, .def = "60",
	 .max = SECONDS(30 * 86400),
	 .help = "How long a connection that one side has closed may be silent. 0: no limit."},
	{"drain", OPTION_FIELD(S, drain), OURS, .def = "requests",
	 .help = "What the old slot finishes after a swap. requests: every open request, and "
		 "every connection that is not followed as HTTP/1; clients between two "
		 "requests move to the new slot. connections: every connection. worker: the "
		 "old workers get their stop signal at once and end their connections "
		 "themselves. idle:DURATION: as requests, but a connection that is not "
		 "followed is closed once it has been silent for this time."},
	{"drain_timeout", OPTION_FIELD(S, drain_timeout), OURS, .def = "30",
	 .max = SECONDS(30 * 86400),
	 .help = "How long the old slot may take to drain after a swap; connections that are "
		 "left then are closed."},
	{"drain_spread", OPTION_FIELD(S, drain_spread), OURS, .def = "5", .max = SECONDS(86400),
	 .help = "Time over which the connections that are left after drain_timeout are "
		 "closed, evenly, so that their clients do not all come back at once."},
	{"idle_keep", OPTION_FIELD(S, idle_keep), OURS, .def = "15m", .max = SECONDS(365 * 86400),
	 .help = "How long the old slot keeps running after it has drained, ready for a "
		 "rollback, before it is stopped."},
	{"bake", OPTION_FIELD(S, bake), OURS, .def = "0", .max = SECONDS(86400),
	 .help = "How long a new slot is watched after a swap or deploy. If its workers crash more "
		 "than bake_crashes times in this time, or fewer than min_ready of them pass their "
		 "checks, connections go back to the slot that was live before, and the command "
		 "ends with 11. That slot stays warm at least as long. 0: the new slot is not "
		 "watched."},
	{"bake_crashes", OPTION_FIELD(S, bake_crashes), OURS, .def = "1", .max = 10000,
	 .help = "How many crashes of workers in the new slot bake tolerates before it flips "
		 "back."},

	{"canary_steps", OPTION_FIELD(S, canary_steps), OURS, .percent = true,
	 .help = "Shares of the new connections that a deploy gives to the new slot before it "
		 "sends all of them there, each with its time, such as 5%:60s, 25%:5m; at most 8. "
		 "Default: a deploy has no canary."},
	{"canary_by", OPTION_FIELD(S, canary_by), OURS, .def = "connection",
	 .help = "What decides whether a connection belongs to the canary. connection: each "
		 "connection by itself, spread evenly. source: the client's address, so that a "
		 "client stays on one side while the share is the same, and a growing share only "
		 "moves clients to the canary. cookie:NAME: the cookie NAME of the first request; "
		 "its value a or b names the slot, every other value is hashed, and a request "
		 "without it counts as with connection. slotd only reads the cookie, which the "
		 "application sets; it needs connect=late."},
	{"canary_from", OPTION_FIELD(S, canary_from), OURS,
	 .help = "Networks whose clients may get the canary, such as 10.0.0.0/8, 192.0.2.7; the "
		 "share is then one of their connections, and all others go to the live slot. "
		 "Default: every client."},
	{"canary_timeout", OPTION_FIELD(S, canary_timeout), OURS, .def = "30m",
	 .max = SECONDS(365 * 86400),
	 .help = "How long a canary that was begun by slotctl canary waits for slotctl promote, "
		 "counted from the last change of its share; after that it is given up. 0: no "
		 "limit."},
	{"canary_crashes", OPTION_FIELD(S, canary_crashes), OURS, .def = "1", .max = 10000,
	 .help = "How many crashes of its workers a canary may have before it is given up."},
	{"canary_failures", OPTION_FIELD(S, canary_failures), OURS, .percent = true, .def = "10%",
	 .help = "Share of a canary's requests that may fail before it is given up. A request "
		 "has failed if its worker could not be connected, was gone before it answered, "
		 "or answered with a status of 500 or more, which is known where HTTP/1 is "
		 "followed. Of what is not followed, a connection counts as one request. 0: failed "
		 "requests end no canary."},
	{"canary_requests", OPTION_FIELD(S, canary_requests), OURS, .def = "50", .min = 1,
	 .max = 1000000,
	 .help = "Number of a canary's requests over which canary_failures is judged, at least."},

	{"min_free", OPTION_FIELD_AS(S, min_free, uint64_t, OPT_SIZE), OURS, .def = "0",
	 .help = "Space that must be free in the file system of the idle slot's "
		 "prepare_directory before a deploy begins, such as 1G; with less, the deploy "
		 "fails before it has changed anything. 0: it does not matter."},
	{"prepare", OPTION_FIELD_AS(B, hooks[HOOK_PREPARE], char *, OPT_LINES), EACH_SLOT, OURS,
	 .help = "Commands that a deploy runs in the idle slot before it starts the slot, one "
		 "per line; the first command that fails ends the deploy. They run as the "
		 "workers' user with the workers' environment. HOME, USER, LOGNAME and SHELL "
		 "of that user are added where environment= does not set them, and so are "
		 "SLOTD_SERVICE, SLOTD_SLOT, SLOTD_LIVE_SLOT, SLOTD_PORTS, SLOTD_RELEASE, "
		 "SLOTD_JOB (its number), SLOTD_KIND (deploy, swap, rollback, canary, ab or "
		 "promote) and SLOTD_PREVIEW "
		 "(the first address of preview_listen). A command "
		 "that cannot be undone, such as a migration that drops a column, writes "
		 "rollback=no and a reason to the file that SLOTD_RESULT names: then bake fails "
		 "the deploy without flipping back, and slotctl rollback is refused with the "
		 "reason, unless --force is given, as long as that slot is live."},
	{"prepare_directory", OPTION_FIELD_AS(B, prepare_directory, char *, OPT_PATH), EACH_SLOT,
	 OURS,
	 .help = "Directory in which the commands of prepare, verify, after_swap and on_failure "
		 "run. Default: the workers' directory."},
	{"prepare_timeout", OPTION_FIELD(S, hook_timeout[HOOK_PREPARE]), OURS, .def = "1h",
	 .max = SECONDS(365 * 86400),
	 .help = "How long all prepare commands of a deploy may take together. 0: no limit."},
	{"release_command", OPTION_FIELD_AS(B, hooks[HOOK_RELEASE], char *, OPT_LINES), EACH_SLOT,
	 OURS,
	 .help = "Command whose first line of output is the name of the release, such as git "
		 "rev-parse --short HEAD, when slotctl deploy names none. It runs after the "
		 "prepare commands, as they do, and so names what they have brought into the "
		 "idle slot; SLOTD_RELEASE is empty until then. At most 63 bytes of the line are "
		 "kept, and characters that cannot be shown become question marks. If it fails or "
		 "prints an empty line, so does the deploy, before the slot is started."},
	{"release_command_timeout", OPTION_FIELD(S, hook_timeout[HOOK_RELEASE]), OURS, .def = "1m",
	 .max = SECONDS(365 * 86400), .help = "How long release_command may take. 0: no limit."},
	{"releases_directory", OPTION_FIELD_AS(B, releases_directory, char *, OPT_PATH), EACH_SLOT,
	 OURS,
	 .help = "Directory with a directory for each release, such as prepare makes with "
		 "SLOTD_RELEASE, from which keep_releases removes old ones."},
	{"keep_releases", OPTION_FIELD(S, keep_releases), OURS, .def = "0", .max = 10000,
	 .help = "How many directories in releases_directory are kept, by age, after a deploy has "
		 "succeeded. Those that are in use by any service or program are kept as well: as "
		 "the release of a slot, or by prepare_directory, live_link, or the directory or "
		 "command of a worker. Removal runs in the background as the workers' user, and "
		 "does not follow links; names that begin with a dot, files and links are left. "
		 "0: all are kept."},
	{"verify", OPTION_FIELD_AS(B, hooks[HOOK_VERIFY], char *, OPT_LINES), EACH_SLOT, OURS,
	 .help = "Commands that look at the idle slot once it has passed the gate, one per line; "
		 "if one fails, the slot is stopped and nothing is swapped. They reach the "
		 "workers at SLOTD_PORTS, and run as the prepare commands do, also for a swap or "
		 "rollback that has to start the slot."},
	{"verify_timeout", OPTION_FIELD(S, hook_timeout[HOOK_VERIFY]), OURS, .def = "5m",
	 .max = SECONDS(365 * 86400),
	 .help = "How long all verify commands may take together. 0: no limit."},
	{"verify_interval", OPTION_FIELD(S, verify_interval), OURS, .def = "0",
	 .max = SECONDS(86400),
	 .help = "The verify commands run again this long after they last ended, while the new "
		 "slot is a canary, and while it is live and is watched (bake). If one of them "
		 "fails, or takes longer than verify_timeout, a canary is given up, and the "
		 "command ends with 10; from a slot that is live, connections go back to the one "
		 "that was live before, and the command ends with 11. 0: they run only once, "
		 "before the swap."},
	{"after_swap", OPTION_FIELD_AS(B, hooks[HOOK_AFTER_SWAP], char *, OPT_LINES), EACH_SLOT,
	 OURS,
	 .help = "Commands that run, as the prepare commands do, when the new slot stays live: "
		 "after a deploy, swap or rollback, and after its bake, while the old slot drains. "
		 "If one fails, the next ones are left out; the new slot stays live."},
	{"after_swap_timeout", OPTION_FIELD(S, hook_timeout[HOOK_AFTER_SWAP]), OURS, .def = "5m",
	 .max = SECONDS(365 * 86400),
	 .help = "How long all after_swap commands may take together. 0: no limit."},
	{"on_failure", OPTION_FIELD_AS(B, hooks[HOOK_ON_FAILURE], char *, OPT_LINES), EACH_SLOT,
	 OURS,
	 .help = "Commands that run, as the prepare commands do, when a deploy, swap or rollback "
		 "has failed, was aborted or was flipped back, before it is reported as ended. "
		 "They get SLOTD_STEP, the step that failed, and SLOTD_ERROR, the reason, as "
		 "well."},
	{"on_failure_timeout", OPTION_FIELD(S, hook_timeout[HOOK_ON_FAILURE]), OURS, .def = "1m",
	 .max = SECONDS(365 * 86400),
	 .help = "How long all on_failure commands may take together. 0: no limit."},
	{"rolling_max", OPTION_FIELD(S, rolling_max), OURS, .percent = true, .def = "1",
	 .help = "Workers of the live slot that slotctl restart --rolling has out of service at "
		 "once: a number, or a percentage such as 25%. At least one worker always goes on "
		 "serving."},
	{"notify", OPTION_FIELD(S, notify), OURS,
	 .help = "Command that is told of deploys and troubles of this service: /bin/sh -c runs it "
		 "once for "
		 "each event, with one line of JSON on its standard input. See TELLING PEOPLE. "
		 "Default: that of "
		 "[slotd]."},
	{"notify_on", OPTION_FIELD(S, notify_on), OURS,
	 .help = "Events of which notify is told: deploy-started, deploy-done, deploy-failed, "
		 "rolled-back, fatal, canary-old, disk-full, drain-long. Default: all."},
	{"notify_timeout", OPTION_FIELD(S, notify_timeout), OURS, .def = "30", .min = SECONDS(1),
	 .max = SECONDS(3600),
	 .help = "Time after which a notify command is killed, which counts as a failure."},
	{"notify_user", OPTION_FIELD_AS(S, notify_user, struct owner, OPT_USER), OURS,
	 .help = "User that the notify command runs as. Default: the user of the workers that it "
		 "is "
		 "about."},
	{"allow", OPTION_FIELD(S, allow), OURS,
	 .help = "Roles for this service, such as deploy:ci or read:@staff: metrics is for its "
		 "part of /metrics, read also for its status and the logs of its workers, deploy "
		 "also for deploy, swap, rollback, canary, promote, ab, restart --rolling, drain, "
		 "pause, offline, freeze, what ends these, and abort. See WHO MAY DO WHAT."},
	{"allow_deploy", OPTION_FIELD(S, allow_deploy), OURS,
	 .help = "Users and @groups that have the role deploy for this service; see WHO MAY DO "
		 "WHAT."},
	{NULL},
};
