#pragma once

/**
 * slotd's own frame: what main.c makes and every file of this folder hangs on.
 *
 * One file per concern, each with its part of the wiring "loop event -> core step -> plan":
 *
 *	main.c       options, daemonizing, privileges, the run
 *	supervisor.c make and end a struct supervisor; start-up and shutdown order
 *	processes.c  a worker's process: spawn, pidfd, timers, ledger, plan of core/worker.c
 *	groups.c     groups, names ("group:name", "group:*", "all"), start/stop orders
 *	streams.c    stdout/stderr/stdin pipes, slotd-log's refill, slotd's own log
 *	services.c   services and slots: plan of core/swap.c; tables, flips, drains for relays
 *	gate.c       health checks by slotd-probe or exec, for the gate and afterwards
 *	records.c    state file, live_file, live_link: by short-lived children
 *	jobs.c       deploy/swap/rollback as people see them: numbers, lines, history
 *	helpers.c    helper processes: start, channel, restart, refill, QUIT
 *	commands.c   requests from slotd-control, judged by the peer's credentials
 *	publish.c    state to slotd-control: per object, with generations
 *	reload.c     reread, reload, add and remove
 */

#include <slotd/channel.h>
#include <slotd/child.h>
#include <slotd/config.h>
#include <slotd/ledger.h>
#include <slotd/log.h>
#include <slotd/loop.h>
#include <slotd/map.h>
#include <slotd/swap.h>
#include <slotd/vec.h>
#include <slotd/worker.h>

#include <limits.h>

struct supervisor;
struct process;
struct group;
struct service;

/* ---- helpers.c ---- */

enum helper_kind {
	HELPER_KEEP,
	HELPER_LOG,
	HELPER_RELAY,
	HELPER_PROBE,
	HELPER_CONTROL,
	HELPER_MAX_,
	HELPER_INVALID_ = -22,
};

struct helper {
	struct supervisor *sup;
	enum helper_kind kind;
	unsigned index; /* relays: 0.. */
	struct child child;
	struct loop_timer timer; /* when to start it again; when to end it after QUIT */
	struct channel channel;
	bool ready;  /* MSG_READY came */
	bool wanted; /* restart it when it ends */
	usec_t started;
	unsigned quick_deaths;
	void *data; /* of the file that owns this kind: a relay's page, ... */
};

/** What the file that owns a kind of helper provides. */
struct helper_ops {
	const char *name; /* "slotd-relay" */
	/** A fresh process is connected: send everything it must know. Called at every start. */
	void (*refill)(struct helper *h);
	void (*received)(struct helper *h, struct message *m);
	/** It died; its requests will not be answered. May be NULL. */
	void (*lost)(struct helper *h);
};
extern const struct helper_ops streams_helper_ops;  /* slotd-log: streams.c */
extern const struct helper_ops services_helper_ops; /* slotd-relay: services.c */
extern const struct helper_ops gate_helper_ops;	    /* slotd-probe: gate.c */
extern const struct helper_ops publish_helper_ops;  /* slotd-control: publish.c, commands.c */
extern const struct helper_ops keep_helper_ops;	    /* slotd-keep: helpers.c */

/** Starts keep, log, control, the relays; probe when a check is configured. 0 or -errno. */
int helpers_start(struct supervisor *sup, struct diag *diag);
/**
 * Sends QUIT to all; they end by themselves, keep last (SIGKILL after 5 s). When the last is
 * reaped, supervisor_helpers_gone is called: it is supervisor.c's.
 */
void helpers_quit(struct supervisor *sup);
void supervisor_helpers_gone(struct supervisor *sup);
/** Frees what helpers_start made; every helper has ended. */
void helpers_done(struct supervisor *sup);
/** The first helper of that kind (the only one but for relays). Never NULL after helpers_start. */
struct helper *helper_of(struct supervisor *sup, enum helper_kind kind);
/** Wants (and starts) or no longer wants slotd-probe. */
void helper_want(struct supervisor *sup, enum helper_kind kind, bool wanted);
/** Sends; a full queue or a closed channel is logged once. 0 or -errno. */
int helper_send(struct helper *h, struct message *m);
/** A fresh id for a request to a helper. Never 0. */
uint32_t helper_request_id(struct supervisor *sup);

/**
 * slotd-keep: a named duplicate of what slotd cannot make again (names: slotd/keep.h). The
 * descriptors stay the caller's and open until keep_drop or the next keep_put of that name: a new
 * slotd-keep is filled from them. Failures are logged once.
 */
void keep_put(struct supervisor *sup, const char *name, const int *fds, unsigned n);
void keep_drop(struct supervisor *sup, const char *name);

/* ---- processes.c ---- */

struct process {
	struct supervisor *sup;
	struct worker worker; /* core's state */
	const struct worker_config *config;
	struct group *group;
	int pidfd;
	struct loop_io exit_io;
	struct loop_timer timer;
	int stdin_fd;	     /* write end, -EBADF */
	int output_fds[2];   /* read ends, duplicates of what slotd-log has; -EBADF */
	uint32_t streams[2]; /* ids at slotd-log, 0: none */
	char *log_paths[2];  /* real path of the log file, NULL: none; AUTO resolved */
	uint64_t lost_lines, lost_bytes;
	usec_t since_wall, started_wall, stopped_wall; /* 0: never */
	struct service *service;		       /* NULL: in no slot */
	enum slot_id slot;
	struct health health; /* service workers with an address */
	bool probing;
	char health_text[256]; /* what the last failed check got */
	bool pending;	       /* changed, at the next deploy */
	bool removed;	       /* to be freed once it has ended */
	uint64_t generation;   /* of its published state */
	bool dirty;
};

/** Makes a process and its ledger entry; does not start it. Keeps config. */
int process_new(struct supervisor *sup, struct group *group, const struct worker_config *config,
		struct diag *diag, struct process **ret);
struct process *process_free(struct process *p);
/** Feed the core and carry out its plan. */
void process_start(struct process *p);
void process_stop(struct process *p);
void process_shutdown(struct process *p);
/** Sends a signal to the pid only, as Supervisor's signalProcess. 0, -ESRCH, -errno. */
int process_signal(struct process *p, int signo);
/** "group:name", or "name" where both are the same. Returns buf. */
const char *process_namespec(const struct process *p, char *buf, size_t size);
/** After a flip: a live slot's workers keep trying instead of ending FATAL. */
void process_set_live(struct process *p, bool live);

/**
 * Called by processes.c after every state change, once the ledger is written: marks it dirty
 * for publish.c, tells services.c and whoever waits (commands.c).
 */
void process_changed(struct process *p, enum worker_state from);

/* ---- groups.c ---- */

struct group {
	struct supervisor *sup;
	const struct group_config *config;
	char *name;
	int priority;
	VEC(struct process *) processes; /* by (priority, name) */
	struct service *service;	 /* NULL: in no slot */
	enum slot_id slot;
	bool dirty;
};

struct group *group_find(struct supervisor *sup, const char *name);
/** "group:name" or "name" (both the same). NULL when there is none. */
struct process *process_find(struct supervisor *sup, const char *namespec);

/* ---- services.c ---- */

/** Makes services for the configuration, binds their sockets, reads who is live. */
int services_init(struct supervisor *sup, struct diag *diag);
void services_done(struct supervisor *sup);
struct service *service_find(struct supervisor *sup, const char *name);
/** A worker of one of its slots changed state. */
void service_process_changed(struct service *s, struct process *p, enum worker_state from);
/** Is this process in an idle slot, which "start all" and autostart pass by? */
bool service_passes_by(const struct process *p);
/** For STATUS=: "payinv b, chat a". Returns buf. */
const char *services_summary(struct supervisor *sup, char *buf, size_t size);
/** Puts one service and its two slots as messages: publish.c. */
void service_publish(struct service *s, struct helper *control);

/* ---- jobs.c ---- */

/** Begins one; the answer goes to control as MSG_ANSWER with the job's number, or a fault. */
struct job_request {
	enum swap_kind kind;
	const char *service, *release, *who;
	uid_t uid;
	bool force;
};
/** Job number (> 0), or a negative errno with the sentence: -EBUSY, -ENOENT, -EACCES, -EINVAL. */
int job_begin(struct supervisor *sup, const struct job_request *req, struct diag *diag);
int job_abort(struct supervisor *sup, const char *service, const char *who, struct diag *diag);

/* ---- publish.c ---- */

/** Something of that object changed; it is sent when control can take it, newest state only. */
void publish_process(struct process *p);
void publish_group(struct group *g);
void publish_service(struct service *s);
void publish_daemon(struct supervisor *sup);
void publish_process_gone(struct supervisor *sup, uint32_t id);
void publish_group_gone(struct supervisor *sup, const char *name);

/* ---- the whole ---- */

/* Supervisor's "moods"; numbers are its API. */
enum mood {
	MOOD_SHUTDOWN = -1,
	MOOD_RESTARTING = 0,
	MOOD_RUNNING = 1,
};

struct supervisor {
	struct loop *loop;
	struct children children; /* for child_run */
	struct config *config;
	const struct config_overrides *overrides;
	const char *config_path; /* as given by -c, NULL: default places */
	enum mood mood;
	int exit_code;
	usec_t started_wall;

	int ledger_fd;
	struct ledger *ledger;
	int switchboard_fd; /* writable */
	struct switchboard *switchboard;
	int lock_fd; /* state_dir/lock */

	VEC(struct group *) groups;	 /* by (priority, name) */
	VEC(struct process *) processes; /* by ledger index; NULL where free */
	VEC(struct service *) services;
	VEC(struct helper *) helpers;
	char helper_dir[2][PATH_MAX]; /* where helpers are looked for; build tree first */
	struct map kept;	      /* what slotd-keep holds, by name: struct kept of helpers.c */
	bool quitting;		      /* helpers_quit was called */

	uint32_t next_request, next_stream;
	uint64_t generation;
	struct log_once exhausted; /* EMFILE, ENOMEM, EAGAIN from fork */

	/* private to their files */
	void *streams, *commands, *publish, *jobs, *records, *gate, *reload;
};
