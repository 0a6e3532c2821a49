#pragma once

/**
 * The commands, one row each (common/command_services.c, command_processes.c, command_daemon.c):
 * how slotctl is called and what it says of the command, the methods of the API that belong to it,
 * and who may use it.
 *
 * supervisor/commands.c, control/methods.c and ctl/commands.c attach functions by the id of the
 * row, or by the kind of a method, and have no list of names, parameters or rights of their own;
 * unit tests check that no row lacks a function. The completions and the list in slotctl(1) are
 * printed from the rows (ctl/pages_main.c).
 */

#include <slotd/message.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * slotctl sends this header with each call. An answer with results for several processes
 * (METHOD_RESULTS, or METHOD_ACT for a whole group) then has a string, "group:name" or "name", in
 * place of Supervisor's struct for each process that succeeded: a seventh of the bytes. A failure
 * stays a struct. With another value, or without the header, each result is a struct; a server that
 * does not know the header sends structs, too.
 */
#define RESULTS_HEADER "Slotd-Results"
#define RESULTS_BRIEF  "brief"

/** Ids of commands, also in TAG_COMMAND of MSG_COMMAND: append only. */
enum command {
	COMMAND_NONE,
	COMMAND_START, /* NAME: "all", "group:*" or a worker; WAIT */
	COMMAND_STOP,
	COMMAND_SIGNAL, /* NAME, SIGNAL (text) */
	COMMAND_ADD,	/* NAME */
	COMMAND_REMOVE,
	COMMAND_REREAD, /* -> items: CODE of enum reload_item (reload_item.h); GROUP */
	COMMAND_RELOAD, /* check, diff, apply; -> items as REREAD */
	COMMAND_SHUTDOWN,
	COMMAND_RESTART_DAEMON,
	COMMAND_UPGRADE,
	COMMAND_CLEAR,	/* NAME: a worker, "all", or none for slotd's own log */
	COMMAND_TAIL,	/* NAME (none: own log), CHANNEL; -> ANSWER with a descriptor */
	COMMAND_SWAP,	/* SERVICE; -> ANSWER with JOB at once, then MSG_JOB */
	COMMAND_DEPLOY, /* SERVICE, RELEASE */
	COMMAND_ROLLBACK,
	COMMAND_ABORT,
	COMMAND_DRAIN,
	COMMAND_LOG_LEVEL, /* ARG */
	COMMAND_REOPEN,
	COMMAND_HISTORY, /* -> ANSWER with a descriptor of state_dir/history */
	COMMAND_ATTACH,	 /* SERVICE, JOB, BACKUPS; -> ANSWER with a descriptor of the job's log, or
			  * with BACKUPS 1 of what was rotated away of it */
	/* commands of slotctl and slotd-control, for which slotd gets no MSG_COMMAND */
	COMMAND_AVAIL,
	COMMAND_EOF,
	COMMAND_EVENT,
	COMMAND_EXIT,
	COMMAND_FG,
	COMMAND_HELP,
	COMMAND_IMPORT_CHECK,
	COMMAND_LEAVE,
	COMMAND_MAINTAIL, /* sent as TAIL without a name */
	COMMAND_OPEN,
	COMMAND_PID,
	COMMAND_QUIT,
	COMMAND_RESTART, /* rolling: SERVICE, FORCE; else slotctl stops and starts */
	COMMAND_SLOTS,
	COMMAND_STATUS,
	COMMAND_UPDATE,
	COMMAND_VERSION,
	/* again what slotd is asked */
	COMMAND_PAUSE, /* SERVICE */
	COMMAND_RESUME,
	COMMAND_FREEZE, /* SERVICE, ARG: why */
	COMMAND_UNFREEZE,
	COMMAND_RELEASES, /* of slotctl alone */
	COMMAND_DRY_RUN,  /* SERVICE, RELEASE, ARG; -> items: a line in TEXT, the exit code in CODE
			   */
	COMMAND_WHOAMI,	  /* -> ANSWER with TEXT */
	COMMAND_NOTIFY,	  /* SERVICE; -> ANSWER with TEXT when the test has ended */
	COMMAND_OFFLINE,  /* SERVICE, ARG: why */
	COMMAND_ONLINE,
	COMMAND_CANARY,	 /* SERVICE, ARG: share, RELEASE; -> as SWAP */
	COMMAND_PROMOTE, /* SERVICE; -> as SWAP */
	COMMAND_AB,	 /* SERVICE, ARG: share, RELEASE; -> as SWAP */
	COMMAND_METRICS, /* slotctl asks slotd-control */
	COMMAND_MAX_,
	COMMAND_INVALID_ = -22,
};

/* ---- methods of the API ---- */

enum param_type {
	PARAM_TEXT,   /* a string */
	PARAM_SCALAR, /* a string or a number, as text */
	PARAM_INT,    /* an int, or a string that is one */
	PARAM_FLAG,   /* a boolean, or a value that can be read as one */
	PARAM_LIST,
	PARAM_TYPE_MAX_,
};

struct param {
	const char *name; /* NULL ends the list */
	enum param_type type;
	bool optional;
	bool otherwise;	      /* FLAG: the value if it is left out */
	enum message_tag tag; /* where it goes in the message to slotd */
};

/** How slotd-control finds the answer. The first six send the command of the row to slotd. */
enum method_kind {
	METHOD_NONE,
	METHOD_ACT,	/* true, or results where a whole group was named */
	METHOD_RESULTS, /* a struct for each process; with RESULTS_BRIEF, of some the name */
	METHOD_JOB,	/* the number of the job */
	METHOD_REREAD,
	METHOD_RELOAD,
	METHOD_LINES,	 /* {code, lines} of the items */
	METHOD_READ_LOG, /* slotd is asked for a descriptor */
	METHOD_FOLLOW,
	METHOD_TAIL_LOG,
	METHOD_SAY,	   /* the text of the answer */
	METHOD_SEND_STDIN, /* slotd gets a message of another type */
	METHOD_SEND_EVENT,
	METHOD_TEXT, /* the row's text; from here on methods are answered from the mirror */
	METHOD_IDENTIFICATION,
	METHOD_STATE,
	METHOD_PID,
	METHOD_PROCESS_INFO,
	METHOD_ALL_PROCESS_INFO,
	METHOD_ALL_CONFIG_INFO,
	METHOD_PROCESSES,
	METHOD_SERVICES,
	METHOD_STATUS,
	METHOD_LIST_METHODS,
	METHOD_METHOD_HELP,
	METHOD_METHOD_SIGNATURE,
	METHOD_MULTICALL,
	METHOD_KIND_MAX_,
};

/** What the first parameter of a METHOD_ACT or METHOD_RESULTS names. */
enum about {
	ABOUT_NOTHING,
	ABOUT_WORKER,
	ABOUT_WORKER_OR_GROUP, /* "group:*" too */
	ABOUT_GROUP,	       /* sent as "group:*" */
	ABOUT_ALL,	       /* no argument; sent as "all" */
};

enum {
	METHOD_PARAMS_MAX = 4,
	COMMAND_METHODS_MAX = 7,
	CHANNEL_OWN = -1,     /* slotd's own log */
	CHANNEL_HISTORY = -2, /* the history of swaps, rollbacks and deploys */
};

struct method {
	const char *name; /* NULL ends the list */
	enum method_kind kind;
	struct param params[METHOD_PARAMS_MAX + 1];
	const char *help;
	enum about about;
	int channel;	  /* logs: 0 stdout, 1 stderr, CHANNEL_OWN, CHANNEL_HISTORY */
	const char *text; /* METHOD_TEXT: the answer */
};

/* ---- rows ---- */

/** Who may use a command. */
enum command_right {
	MAY_TRUSTED, /* root, slotd's own user, clients of servers in Supervisor's sections, and who
		      * has the role admin */
	MAY_DEPLOY, /* also who has the role deploy for the service: deploy/request.c checks that */
	MAY_ALL,    /* who may read */
	MAY_READ,   /* those who have the role read; where there are no roles, as MAY_TRUSTED */
	MAY_ANYBODY, /* says nothing of what slotd supervises */
};

/** The part of slotctl(1) that describes a command. */
enum command_topic {
	TOPIC_NONE, /* not a command of slotctl, or not listed by help */
	TOPIC_SERVICES,
	TOPIC_PROCESSES,
	TOPIC_DAEMON,
	TOPIC_MAX_,
};

/* What slotctl accepts among the words of a command. */
enum {
	ALLOW_JSON = 1 << 0,
	ALLOW_FORCE = 1 << 1,
	ALLOW_WAIT = 1 << 2,
	ALLOW_NOW = 1 << 3,
	ALLOW_DRY_RUN = 1 << 4,
	NO_ARGUMENTS = 1 << 5, /* an argument is refused with Supervisor's sentence */
	OURS = 1 << 6,	       /* not a command of supervisorctl: a wrong word is a usage error */
	HIDDEN = 1 << 7,       /* help does not list it */
	ALLOW_YES = 1 << 8,
	ALLOW_DETACH = 1 << 9,
	ALLOW_UNTIL = 1 << 10,
	ALLOW_ROLLING = 1 << 11,
	ALLOW_TEST = 1 << 12,
};

struct command_option {
	unsigned flag;
	const char *name;     /* "--wait" */
	const char *argument; /* "DURATION"; NULL: the option takes none */
	const char *help;     /* NULL: the usage of its commands shows the option */
};
extern const struct command_option command_options[];
extern const size_t n_command_options;

/** What may be typed after a command. */
enum completion {
	COMPLETE_NOTHING,
	COMPLETE_COMMANDS,
	COMPLETE_GROUPS,
	COMPLETE_WORKERS,
	COMPLETE_SERVICES,
	COMPLETE_FILES,
	COMPLETE_SIGNALS, /* a signal, then workers */
	COMPLETE_MAX_,
};

struct command_row {
	const char *name;   /* "restart-daemon" */
	const char *usage;  /* lines "COMMAND ARGUMENTS<TAB>what it does"; NULL: not of slotctl */
	const char *done;   /* what slotctl says after a simple request about a SERVICE */
	const char *manual; /* what slotctl(1) says in addition; whole sentences, or NULL */
	enum command_topic topic;
	unsigned flags; /* ALLOW_JSON, ... */
	enum completion completion;
	const char *words; /* words that may be typed, too: "stdout stderr"; or NULL */
	enum command_right may;
	struct method methods[COMMAND_METHODS_MAX + 1];
};

/** Returns the row of a command; NULL for a number that has none. */
const struct command_row *command_row(enum command c);
/** Returns "start", "restart-daemon"; "?" for a number that has no row. */
const char *command_name(enum command c);
/** Finds a command of slotctl by its name; COMMAND_NONE if there is none. */
enum command command_find(const char *name);
/** Lists the commands of slotctl by name; returns their number. */
size_t commands_by_name(enum command ret[COMMAND_MAX_]);
/** Returns the name of the command's method that is about such a thing; NULL if it has none. */
const char *command_method(enum command c, enum about about);
/** Is this command sent to slotd by MSG_COMMAND? */
bool command_asks_slotd(const struct command_row *row);
