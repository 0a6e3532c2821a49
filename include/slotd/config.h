#pragma once

/**
 * The configuration, read and checked: Supervisor's sections and ours as plain data.
 *
 * config_load reads files and includes, expands values, and checks types, ranges and references. It
 * collects errors and warnings instead of stopping at the first. Users and host names stay text
 * until config_resolve. Both may block, so a reload calls them in a child (config_ask). A struct
 * config is immutable once loaded and resolved.
 *
 * Source: Supervisor's documentation, "Configuration File"; slotd.conf(5).
 */

#include <slotd/access.h>
#include <slotd/canary_share.h>
#include <slotd/diag.h>
#include <slotd/handoff.h>
#include <slotd/schedule.h>
#include <slotd/swap_names.h>
#include <slotd/switchboard.h>
#include <slotd/usec.h>
#include <slotd/vec.h>
#include <slotd/worker.h>

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

/* The result_handlers that slotd knows: Supervisor's own and that of the package
 * supervisor-stdout. */
#define RESULT_HANDLER_DEFAULT "supervisor.dispatchers:default_handler"
#define RESULT_HANDLER_STDOUT  "supervisor_stdout:event_handler"

enum {
	CONFIG_NAME_MAX = 200, /* of a section, an option, a program, a group, a worker */
};

/** Where a value came from. */
struct config_place {
	const char *file; /* kept by the config */
	unsigned line;
};

enum log_kind {
	LOG_KIND_NONE,
	LOG_KIND_AUTO,
	LOG_KIND_FILE,
	LOG_KIND_MAX_,
	LOG_KIND_INVALID_ = -22,
};

/** The descriptor that a log's name stands for, directly or through links: /dev/stdout,
 * /proc/1/fd/1. */
struct log_target {
	bool found;
	pid_t pid; /* whose descriptor; 0: slotd's */
	int fd;
};

struct log_config {
	enum log_kind kind;
	char *path;		  /* FILE: expanded; AUTO: NULL, chosen when slotd starts */
	struct log_target target; /* FILE: after config_resolve */
	uint64_t maxbytes;	  /* 0: never rotate */
	unsigned backups;
	bool syslog;
	bool events_enabled;
	uint64_t capture_maxbytes;
};

/** A user and group as written; ids after config_resolve. */
struct owner {
	struct config_place place;
	char *user, *group; /* NULL: not given */
	uid_t uid;	    /* (uid_t)-1: not given or not resolved */
	gid_t gid;
	gid_t *groups; /* supplementary, of user */
	unsigned n_groups;
	char *home, *shell;
};

/** One numbered process, with all values expanded. */
struct worker_config {
	char *name;			      /* process_name expanded: "payinv-a_8001" */
	char *group;			      /* group it belongs to */
	const struct program_config *program; /* kept */
	unsigned process_num;
	char *command;	    /* split at spawn */
	char *directory;    /* NULL: inherit */
	char **environment; /* "K=V", NULL-terminated: [supervisord] environment, then its own */
	struct log_config logs[2]; /* stdout, stderr */
	char **credentials;	   /* "NAME:PATH", NULL-terminated; NULL: none */
	char *address; /* service worker: "127.0.0.1:8001"; NULL: a queue worker, or no service */
};

enum program_kind {
	PROGRAM_PLAIN,
	PROGRAM_EVENTLISTENER,
	PROGRAM_FCGI,
	PROGRAM_KIND_MAX_,
	PROGRAM_KIND_INVALID_ = -22,
};

struct program_config {
	char *name;
	char *group; /* a program in several groups is one program_config per group */
	enum program_kind kind;
	struct config_place place;
	int priority;
	int numprocs, numprocs_start;
	bool autostart;
	struct worker_policy policy;
	struct owner user;
	mode_t umask; /* (mode_t)-1: inherit */
	bool redirect_stderr;
	char *serverurl; /* NULL: AUTO */
	bool strip_ansi;
	/* eventlistener */
	char **events; /* upper case, NULL-terminated, no doubles */
	unsigned buffer_size;
	char *result_handler; /* RESULT_HANDLER_*, or a name that slotd does not know */
	/* fcgi-program */
	char *socket;
	struct owner socket_owner;
	mode_t socket_mode;
	int socket_backlog;
	VEC(struct worker_config) workers; /* sorted by name; fixed once loaded */
	int service;			   /* index in config.services, -1 */
	enum slot_id slot;
	bool exclusive;		/* it never runs in both slots at once */
	char *schedule;		/* as written; NULL: none */
	char *schedule_zone;	/* NULL: the system's */
	struct schedule *times; /* of schedule */
	struct zone *zone;	/* of schedule_zone */
};

struct group_config {
	char *name;
	int priority;
	struct config_place place;
	VEC(struct program_config *) programs; /* borrowed from config.programs */
	VEC(struct worker_config *) workers;   /* borrowed; all of them, in starting order */
};

/** When the workers of a slot that have no address run. */
enum consumers {
	CONSUMERS_AFTER_FLIP, /* in the live slot only */
	CONSUMERS_WITH_SLOT,  /* from the slot's start to its stop */
	CONSUMERS_MAX_,
	CONSUMERS_INVALID_ = -22,
};

enum health_kind {
	HEALTH_TCP,
	HEALTH_HTTP,
	HEALTH_EXEC,
	HEALTH_NOTIFY,
	HEALTH_KIND_MAX_,
	HEALTH_KIND_INVALID_ = -22,
};

struct service_slot_config {
	VEC(struct program_config *) programs; /* borrowed; fixed once loaded */
	char *ports;			       /* second form: "8001-8005" */
	char *name;			       /* group or program name shown to people: payinv-a */
	char *hooks[HOOK_MAX_];		       /* commands, one a line; NULL: none */
	char *prepare_directory;  /* default: the first worker's directory; NULL: none given */
	char *releases_directory; /* NULL: none */
	char *health_arg;	  /* path or command, with this slot's expansions */
};

/** How the old slot's connections come to an end. */
struct drain_config {
	enum drain_mode mode;
	usec_t idle; /* DRAIN_IDLE: how long a connection must have been silent */
};

/** What live_file contained, after config_resolve. */
struct live_found {
	int code; /* 0; -ENOENT; -EINVAL: it holds no slot's name; another -errno of reading it */
	enum slot_id live;
	char *text; /* -EINVAL: the beginning of its first line */
};

/** What the options of canaries mean. */
struct canary_config {
	struct canary_step steps[CANARY_STEPS_MAX];
	unsigned n_steps;
	enum canary_by by;
	char *cookie;	   /* CANARY_BY_COOKIE: its name */
	uint16_t failures; /* share of requests that may fail, of PLACEMENT_WHOLE; 0: any */
};

struct service_config {
	char *name;
	struct config_place place;
	/* of these options, or as above */
	struct config_place listen_place, preview_place, allow_place;
	/* Canonical addresses: "127.0.0.1:8000", "[::]:8000", "unix:/x"; those of preview_listen
	 * are the last n_preview. */
	VEC(char *) listen;
	size_t n_preview;
	int backlog;
	mode_t socket_mode; /* of unix listen sockets */
	struct owner socket_owner;
	struct service_slot_config slots[SLOT_MAX_];
	char *live_file;
	struct live_found live_found;
	char *live_link; /* symbolic link that points to the live slot's prepare_directory */
	/* health and gate */
	enum health_kind health;
	char *health_host;    /* NULL: the worker's address */
	char *health_status;  /* "200-399" as written; ranges and lists */
	char **health_header; /* "Name: value", NULL-terminated; NULL: none */
	usec_t health_timeout, health_interval;
	unsigned health_rise, health_fall;
	usec_t health_start_period; /* 0: failures count from the start on */
	bool health_restart;
	usec_t health_watchdog; /* 0: none */
	char *min_ready;	/* "all", "3", "60%" */
	usec_t ready_timeout;
	enum consumers consumers;
	/* handing over */
	enum balance balance;
	enum connect_mode connect;
	unsigned worker_max;
	unsigned proxy_protocol; /* 0 off, 1, 2 */
	usec_t connect_timeout, hold_timeout, pause_timeout;
	enum protocol protocol;
	enum retry_mode retry;
	/* limits for clients; 0: none */
	usec_t client_timeout, idle_timeout, half_close_timeout;
	struct drain_config drain;
	usec_t drain_timeout, drain_spread, idle_keep, bake;
	unsigned bake_crashes;
	/* maintenance */
	char *offline_page; /* file; NULL: the page that is built in */
	usec_t offline_retry_after;
	char *offline_health; /* paths, separated by spaces; NULL: none */
	char *announce;	      /* commands, one a line; NULL: none */
	usec_t announce_timeout;
	/* canary, as written; canary has what they mean */
	char *canary_steps;
	char *canary_by;
	char **canary_from; /* networks; NULL: every client */
	char *canary_failures;
	unsigned canary_crashes, canary_requests;
	usec_t canary_timeout;
	struct canary_config canary;
	/* deploy */
	uint64_t min_free;		/* bytes; 0: it does not matter */
	unsigned keep_releases;		/* 0: all */
	usec_t hook_timeout[HOOK_MAX_]; /* USEC_NEVER: none */
	usec_t verify_interval;		/* 0: verify is not repeated */
	char *rolling_max;		/* "1", "3", "25%" */
	/* telling people; of [slotd] where notify is NULL */
	char *notify;	  /* a command; NULL: none */
	char **notify_on; /* names of events; NULL: all */
	usec_t notify_timeout;
	struct owner notify_user; /* user NULL: that of the workers */
	char **allow;		  /* "read:ana", "deploy:@ops"; NULL: none */
	char **allow_deploy;	  /* user names, @groups; NULL: none */
	uid_t *allow_uids;	  /* after config_resolve: users, members of groups */
	gid_t *allow_gids;
	unsigned n_allow_uids, n_allow_gids;
};

/** Is the i-th of its addresses one of preview_listen? */
static inline bool service_is_preview(const struct service_config *s, size_t i)
{
	return i + s->n_preview >= s->listen.len;
}

struct server_config {
	char *section; /* "unix_http_server" */
	struct config_place place;
	bool unix_socket;
	char *address; /* "unix:/run/x.sock" or "127.0.0.1:9001" ("0.0.0.0:9001" for *) */
	mode_t mode;
	struct owner owner;
	char *username, *password;
};

struct supervisord_config {
	struct config_place place; /* of [supervisord], else [slotd] */
	bool directories_given;	   /* the file has state_dir, run_dir or log_dir */
	bool for_slotd;		   /* the file has no [supervisord]: it was written for slotd */
	struct log_config log;	   /* kind FILE, or NONE with syslog */
	char *loglevel;
	int log_priority; /* syslog numbering */
	char *pidfile;	  /* absolute */
	mode_t umask;
	bool nodaemon, silent, nocleanup, strip_ansi;
	unsigned minfds, minprocs;
	char *childlogdir;
	struct owner user;
	char *directory;
	char **environment;
	char *identifier;
	/* ours, in [slotd] or [supervisord] */
	char *state_dir, *run_dir, *log_dir;
	struct owner helper_user;
	unsigned relays; /* 0: min(CPUs, 4) */
	char *notify;	 /* for all services and programs; as in struct service_config */
	char **notify_on;
	usec_t notify_timeout;
	struct owner notify_user;
	struct config_place allow_place; /* of allow, or as above */
	char **allow;			 /* "admin:ana", "metrics:@monitoring"; NULL: none */
	bool journal;
	bool reset_signals;
};

struct config_message {
	bool error;   /* false: a warning */
	bool problem; /* a warning that slotd -t treats as an error: one program cannot work */
	struct diag diag;
};

/** A user's name, to be shown: of those who may deploy, and of the user that slotd runs as. */
struct user_name {
	uid_t uid;
	char *name;
};

/** The variables in the value of a line; an error in that line may come from them. */
struct config_origin {
	struct config_place place;
	char *variables; /* "%(ENV_A)s, %(ENV_B)s" */
};

struct config {
	char *file; /* absolute */
	struct supervisord_config supervisord;
	VEC(struct server_config) servers;
	VEC(struct program_config *) programs;
	VEC(struct group_config *) groups;     /* sorted by (priority, name) */
	VEC(struct service_config *) services; /* in file order */
	VEC(struct user_name) user_names;      /* after config_resolve */
	VEC(struct grant) grants;	       /* after config_resolve: of allow, everywhere */
	VEC(struct config_message) messages;   /* errors and warnings, in file order */
	VEC(struct config_origin) origins;     /* of values with %(ENV_X)s in them */
	VEC(char *) files;		       /* every file read; owns the names of places */
	VEC(struct stat) file_stats;	       /* of each as it was read; zeroes if in a child */
	uint64_t digest;		       /* of their texts: the same in any version */
	unsigned n_errors;
	size_t n_loaded;      /* messages of config_load; config_resolve's follow */
	struct arena *memory; /* every text above */
};

/** [supervisorctl], for slotctl. */
struct ctl_config {
	char *serverurl; /* NULL: slotd.sock in run_dir */
	char *username, *password;
	char *prompt;
	char *history_file;
	char *run_dir;	      /* NULL: the file does not say */
	struct arena *memory; /* every text above */
};

/** Values from the command line, which override those in the file, also after a reload. */
struct config_overrides {
	const char *section_option[32][2]; /* {"loglevel", "debug"}; ends with NULL */
};

/**
 * Reads and checks a configuration.
 *
 * @path       NULL: the default places (/etc/slotd/slotd.conf, then Supervisor's list).
 * @overrides  may be NULL; borrowed.
 * Returns: 0 with *ret set when the file could be read and holds no error; -EINVAL with *ret set
 *          when it holds errors (see messages); another -errno and diag when it cannot be read.
 */
int config_load(const char *path, const struct config_overrides *overrides, struct diag *diag,
		struct config **ret);
/** Accepts NULL. Returns NULL. */
struct config *config_free(struct config *c);

/**
 * The default of run_dir for users other than root: below $XDG_RUNTIME_DIR, else below the user's
 * state directory; in $TMPDIR if there is no home directory.
 *
 * Returns: 0; -ENOENT if the path is longer than size.
 */
int config_user_run_dir(char *buf, size_t size);

/**
 * Reads only what slotctl needs: [supervisorctl] and run_dir. Errors elsewhere in the file do not
 * matter. As in Supervisor, [include] is not followed.
 *
 * @path  NULL: the default places; if no file is there, the default values are used.
 * Returns: 0, or -errno and diag.
 */
int config_load_ctl(const char *path, struct diag *diag, struct ctl_config **ret);
/** Accepts NULL. Returns NULL. */
struct ctl_config *config_free_ctl(struct ctl_config *c);

/** Who knows a section or an option. */
enum config_known {
	CONFIG_KNOWN_SUPERVISOR,
	CONFIG_KNOWN_OURS, /* Supervisor ignores it without a word */
	CONFIG_KNOWN_NOBODY,
	CONFIG_KNOWN_MAX_,
	CONFIG_KNOWN_INVALID_ = -22,
};

/** A section or an option of the file, as written. */
struct config_item {
	struct config_place place;
	const char *section;
	const char *option, *value; /* NULL: the section itself, before its options */
	enum config_known known;
};

/** What config_walk calls, with its data. */
typedef void config_item_fn(void *data, const struct config_item *item);

/**
 * Calls fn for each section and each option, also those in included files and those that nobody
 * knows. The item is borrowed for the call. Mistakes in the file do not matter.
 *
 * Returns: 0, or -errno and diag if the file cannot be read.
 */
int config_walk(const char *path, config_item_fn *fn, void *data, struct diag *diag);

/**
 * Looks up users, groups and host names, reads live_file, and checks whether directories and
 * commands exist. This may block (LDAP, DNS, a hung disk), so call it in a child that has nothing
 * else to do. Errors and warnings are added to messages, except those about live_file, which is
 * needed only if there is no record.
 *
 * Returns: 0; -EINVAL if there are errors (see messages); -ENOMEM.
 */
int config_resolve(struct config *c);
/**
 * Like config_resolve, but in another process, for which it waits: this process, which forks
 * often, does not load the libraries of the name service. Errors other than -EINVAL set diag.
 */
int config_resolve_apart(struct config *c, struct diag *diag);

/**
 * The first half of a reload, for a child: loads and resolves, and writes to fd everything that
 * files, directories, the user database and the name server answered. slotd then makes the same
 * configuration of these answers, by config_load_answers, and need not wait for them.
 *
 * @path  must not be NULL.
 * Returns: 0, also if the file has errors (config_load_answers finds them); -ENOMEM; -errno of a
 *          write.
 */
int config_ask(const char *path, const struct config_overrides *overrides, int fd);
/** Returns what config_load does; -EBADMSG and diag if the answers are not from config_ask. */
int config_load_answers(const char *path, const struct config_overrides *overrides,
			const char *answers, size_t len, struct diag *diag, struct config **ret);

/** Prints every message, as "FILE:LINE: ...", errors first. */
void config_print_messages(const struct config *c, FILE *to);

/**
 * slotd -t: reads, checks and resolves, prints every message and a closing line on stderr.
 *
 * @strict  fail on warnings, too.
 * Returns: the exit status, 0 or 2.
 */
int config_check_main(const char *path, bool strict, const struct config_overrides *overrides);

/** Prints the options of a section (NULL: of all) with type, default, range and help. */
void config_help(FILE *to, const char *section);

/** Prints a sample file that slotd and Supervisor accept, with every option of Supervisor's. */
void config_sample(FILE *to);

/* What a reload changes. */
enum change {
	CHANGE_KEEP,
	CHANGE_NEW,
	CHANGE_DROP,
	CHANGE_DIFFERENT,
	CHANGE_MAX_,
	CHANGE_INVALID_ = -22,
};

struct config_change {
	enum change change;
	const char *group;  /* borrowed from the new configuration, or the old if dropped */
	const char *worker; /* NULL: the group as a whole (Supervisor's reread) */
};

struct config_diff {
	VEC(struct config_change) groups;  /* KEEP is left out */
	VEC(struct config_change) workers; /* KEEP is left out */
};

/** Compares the effective settings of two configurations. Returns 0 or -ENOMEM. */
int config_diff(const struct config *old, const struct config *new_, struct config_diff *ret);
/** Frees the lists; the names in them belong to the configurations. */
void config_diff_done(struct config_diff *d);
/** Are two services equal in addresses, programs of the slots and every option? */
bool config_service_equal(const struct service_config *a, const struct service_config *b);
/** Are two optional texts the same, or both missing? */
bool config_same_text(const char *a, const char *b);

/* These find something by name, and return NULL if there is none. */
struct group_config *config_group(const struct config *c, const char *name);
struct program_config *config_program(const struct config *c, const char *name);
struct service_config *config_service(const struct config *c, const char *name);

/** Returns the name nearest to what was typed, for "did you mean"; NULL if none is near. */
const char *nearest_name(const char *typed, const char *const *names, size_t n);
