#pragma once

/**
 * slotd's own frame: what main.c makes and every file of this folder hangs on.
 *
 * One file per concern, each with its part of the wiring "loop event -> core step -> plan":
 *
 *	main.c       options, daemonizing, privileges, the run
 *	supervisor.c make and end a struct supervisor; start-up and shutdown order
 *	processes.c  a worker's process: pidfd, timers, ledger, plan of core/worker.c
 *	launch.c     how it comes to be: command, environment, pipes, child
 *	groups.c     groups and their processes
 *	names.c      what "group:name", "group:*" and "all" stand for
 *	streams.c    stdout/stderr/stdin pipes, slotd-log's refill
 *	ownlog.c     slotd's own log
 *	services.c   services and slots: plan of core/swap.c; tables, flips, drains for relays
 *	gate.c       health checks by slotd-probe or exec, for the gate and afterwards
 *	records.c    state file, live_file, live_link: by short-lived children
 *	jobs.c       deploy/swap/rollback as people see them: numbers, lines, history
 *	helpers.c    helper processes: start, channel, restart, refill, QUIT
 *	servers.c    the control sockets
 *	commands.c   requests from slotd-control, judged by the peer's credentials
 *	requests.c   those that are answered later
 *	events.c     events, for listeners
 *	fcgi.c       sockets of fcgi-programs
 *	publish.c    state to slotd-control: per object, with generations
 *	reload.c     reread and reload
 *	predecessor.c  what a former slotd left
 *	pidfile.c    the pid file
 *	lookout.c    names of sockets and the pid file: made again when they went away
 *	auto_logs.c  AUTO logs of former runs
 *	directories.c  state_dir, run_dir, log_dir, or a substitute
 *	waits.c      starts that wait for an end
 *	activity.c   helpers that hang are found, without waking an idle machine
 *	clock.c      steps of the wall clock
 *	systemd.c    what systemd is told, and how long it is asked to wait
 *	options.c    the command line
 */

#include <slotd/channel.h>
#include <slotd/child.h>
#include <slotd/clockwatch.h>
#include <slotd/config.h>
#include <slotd/ledger.h>
#include <slotd/log.h>
#include <slotd/loop.h>
#include <slotd/map.h>
#include <slotd/ownname.h>
#include <slotd/slab.h>
#include <slotd/spawn.h>
#include <slotd/swap.h>
#include <slotd/vec.h>
#include <slotd/worker.h>

#include <limits.h>
#include <signal.h>
#include <sys/un.h>

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
	bool hung;   /* and was ended for that */
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
	/** Everything queued for it was sent. May be NULL. */
	void (*drained)(struct helper *h);
};
extern const struct helper_ops streams_helper_ops;  /* slotd-log: streams.c */
extern const struct helper_ops services_helper_ops; /* slotd-relay: services.c */
extern const struct helper_ops gate_helper_ops;	    /* slotd-probe: gate.c */
extern const struct helper_ops publish_helper_ops;  /* slotd-control: publish.c, commands.c */
extern const struct helper_ops keep_helper_ops;	    /* slotd-keep: helpers.c */

/** Starts keep, log, control, the relays; probe when a check is configured. 0 or -errno. */
int helpers_start(struct supervisor *sup, struct diag *diag);
/** Starts the relays if there are services and no relays yet: a reload may bring the first one. */
int helpers_want_relays(struct supervisor *sup);
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

enum {
	PROCESS_EVENTS_MAX = 8,
};

/** What has to end before a process starts; see waits.c. */
enum process_wait {
	WAITS_FOR_NOTHING,
	WAITS_FOR_REMOVED, /* what the reload that brought it took away */
	WAITS_FOR_QUEUE,   /* the queue workers of the other slot, and its own former run */
};

struct process {
	struct supervisor *sup;
	struct worker worker; /* core's state */
	const struct worker_config *config;
	struct config *origin; /* what config points into */
	struct group *group;
	char *namespec; /* "group:name", or "name" where both are the same */

	pid_t pid;		       /* of the child, from fork to reap */
	int pidfd;		       /* -EBADF: none */
	struct spawn_pipe report_pipe; /* how far the child got; closed once that is known */
	bool executed;		       /* the core was told of it */
	bool clearing;		       /* the leader is reaped, the rest of its group is not yet */
	int status;		       /* wait status of the leader while clearing */
	int fault;		     /* Supervisor's fault code of the last failed start, 0: none */
	struct spawn_report *report; /* why the child did not become its command; NULL: it did */
	struct loop_io exit_io, report_io;
	struct loop_timer timer;
	struct worker_event events[PROCESS_EVENTS_MAX]; /* that came while one was carried out */
	unsigned n_events;
	bool stepping;
	char *spawn_text; /* of a failed start; NULL: none, or no memory for it */

	int stdin_fd;	     /* write end, -EBADF */
	struct input *input; /* what waits to be written there; streams.c */
	uint32_t streams[2]; /* ids at slotd-log, 0: none */
	char *log_paths[2];  /* real path of the log file, NULL: none; AUTO resolved */
	uint64_t lost_lines;
	usec_t since_wall, started_wall, stopped_wall; /* 0: never */
	struct service *service;		       /* NULL: in no slot */
	enum slot_id slot;
	struct health health; /* service workers with an address */
	bool probing;
	char health_text[256];			 /* what the last failed check got */
	bool denied;				 /* the relays may not open its unix socket */
	bool pending;				 /* changed, at the next deploy */
	bool removed;				 /* to be freed once it has ended */
	bool restart;				 /* to be started once it has ended */
	bool shut_down;				 /* its level's turn in the shutdown has come */
	const struct worker_config *next_config; /* taken at the next start; NULL: none */
	struct config *next_origin;
	unsigned waiters;	 /* requests of commands.c that watch it */
	enum process_wait waits; /* to be started once something else has ended */
	bool start_waits;	 /* in the list of starts.c */
	bool restart_due; /* it is there because its timer came, not because it was asked for */
	struct process *next_start;
	uint64_t generation; /* of its published state */
	bool dirty;
};

/** Makes a process and its ledger entry; does not start it. Keeps config and its origin. */
int process_new(struct supervisor *sup, struct group *group, const struct worker_config *config,
		struct config *origin, struct diag *diag, struct process **ret);
/** It has no process any more. */
struct process *process_free(struct process *p);
/** Feed the core and carry out its plan. */
void process_start(struct process *p);
/** Its timer came, and it is its turn. */
void process_timer_due(struct process *p);
/** Has it become its command by now? The core hears so before anything else of this run. */
void process_look(struct process *p);
void process_stop(struct process *p);
/** The wall clock was set: its times move along, and are shown anew. */
void process_move_times(struct process *p, int64_t by);
/** As process_stop, but it is not killed before patience is over. */
void process_stop_patiently(struct process *p, usec_t patience);
void process_shutdown(struct process *p);
/** From BACKOFF to FATAL at once. */
void process_give_up(struct process *p);
/** Sends a signal to the pid only, as Supervisor's signalProcess. 0, -ESRCH, -errno. */
int process_signal(struct process *p, int signo);
/** Of the service its program is a slot of, NULL: none. */
const char *process_service_name(const struct process *p);
/** After a flip: a live slot's workers keep trying instead of ending FATAL. */
void process_set_live(struct process *p, bool live);
/** Same settings from another configuration (a reload), or new ones for the next start. */
void process_set_config(struct process *p, const struct worker_config *config,
			struct config *origin);
/** Puts what slotd-keep holds of it as it is now; drops it when it has no process. */
void process_keep(struct process *p);
/** Is there no process of it or its group, and none to come? */
bool process_ended(const struct process *p);

/**
 * Called by processes.c after every state change, once the ledger is written: marks it dirty
 * for publish.c, tells services.c and the shutdown.
 */
void process_changed(struct process *p, enum worker_state from);

/** Reaps what has been reparented to slotd; from SIGCHLD. */
void orphans_reap(struct supervisor *sup);

/* ---- launch.c ---- */

/** The environment it starts with. 0 or -ENOMEM. */
int process_environment(const struct process *p, struct env *env);

/** Why there is no process. */
struct launch_failure {
	int fault; /* Supervisor's code for a start by hand */
	char text[512];
};
/**
 * Splits the command, makes the pipes and the child.
 *
 * Returns: 0, or -errno with *failure filled and nothing left behind.
 */
int process_launch(struct process *p, struct spawned *ret, struct launch_failure *failure);

/* ---- starts.c: many starts at once ---- */

/** As process_start, now or in one of the next turns of the loop; in the order of the calls. */
void process_start_soon(struct process *p);
/** Its timer for the next start came: the same, in the same order. */
void process_restart_soon(struct process *p);
/** Before another command for it: a start that was asked for and waits is done first. */
void process_start_due(struct process *p);
/** A child has got going, or ended. */
void starts_go_on(struct supervisor *sup);
/** It starts now, or is about to be freed. */
void starts_forget(struct process *p);
void starts_init(struct supervisor *sup);
/** Before the end of the loop; those that wait are freed later. */
void starts_done(struct supervisor *sup);

/* ---- targets.c ---- */

/**
 * A duplicate of the descriptor that a log's name means, the caller's to close; or -errno with a
 * sentence. Never waits.
 */
int target_open(const struct log_target *t, struct diag *diag);
/** Is it slotd's own stdin, stdout or stderr? */
bool target_is_standard(const struct log_target *t);

/* ---- streams.c ---- */

enum {
	AUTO_LOG_MODE = 0600,
};

/** slotd's own log and the streams' table. 0 or -errno. */
int streams_init(struct supervisor *sup, struct diag *diag);
void streams_done(struct supervisor *sup);
/** Closes and opens every log file again (SIGUSR2). */
void streams_reopen(struct supervisor *sup);
/** Pipes for the next spawn: ret_child[0..2] are the child's ends, the caller's to close. */
int streams_open(struct process *p, int ret_child[3]);
/** The child runs (or not): its streams go to slotd-log, or are dropped. */
void streams_started(struct process *p);
void streams_abandon(struct process *p);
/**
 * A pipe for a worker, close-on-exec. It belongs to the worker's user, who may then open it by
 * name, as /dev/stdout. 0 or -errno.
 */
int streams_pipe(const struct process *p, int ret_ends[2]);
/** Read end of its stdout (0) or stderr (1) while it is open; -EBADF. Borrowed. */
int streams_fd(const struct process *p, int channel);
/** The process has ended: nobody reads its stdin any more. */
void streams_ended(struct process *p);
/** The process is gone for good: its open streams finish without it. */
void streams_forget(struct process *p);
/** Chooses the log files' real paths (AUTO). 0 or -ENOMEM. */
int streams_name_logs(struct process *p);
/** Bytes for its stdin. 0, -EPIPE (closed), -ENOBUFS (the bounded queue is full), -ENOMEM. */
int streams_write_stdin(struct process *p, const void *data, size_t len);

/* ---- auto_logs.c ---- */

/**
 * Removes AUTO logs of former runs. All of them stay where somebody still writes to one: another
 * daemon uses the same directory and identifier then, and the files of what it has stopped look
 * like those of nobody. At the start only: it may wait for a disk.
 */
void auto_logs_clean(const struct config *config);

/* ---- ownlog.c: slotd's own log, written by slotd-log ---- */

/** From now on log_line goes to slotd-log; lines it cannot take yet are kept, then counted. */
int ownlog_init(struct supervisor *sup);
/** Lines go to stderr again. */
void ownlog_done(struct supervisor *sup);
/** Tells a slotd-log where the lines go, and gives it those that waited. */
void ownlog_refill(struct supervisor *sup);
/** The configuration (level, file) changed. */
void ownlog_configure(struct supervisor *sup);
/** Bytes for slotd's stdout. They are lost when nobody reads there. */
void ownlog_print(struct supervisor *sup, const char *data, size_t len);

/** A level for now, until the configuration is applied again. */
void ownlog_set_level(struct supervisor *sup, int priority);

/* ---- commands.c: what slotd-control asks for; requests.h: what is answered later ---- */

/** MSG_COMMAND, MSG_COMMAND_GONE, MSG_STDIN, MSG_EVENT. */
void commands_received(struct supervisor *sup, struct message *m);

/* ---- servers.c: the sockets slotd-control serves ---- */

enum {
	SERVER_OWN, /* run_dir/slotd.sock; those of the configuration follow */
};

/** Binds them all. 0 or -errno. */
int servers_init(struct supervisor *sup, struct diag *diag);
/** Closes them and removes the paths of unix sockets. */
void servers_done(struct supervisor *sup);
/** At a reload: who may open slotd's own socket. */
void servers_reconfigure(struct supervisor *sup);
void servers_look_after(struct supervisor *sup);
void servers_refill(struct supervisor *sup, struct helper *control);

/* ---- groups.c ---- */

struct group {
	struct supervisor *sup;
	const struct group_config *config;
	struct config *origin; /* what config points into */
	char *name;
	int priority;
	VEC(struct process *) processes; /* by (priority, name) */
	struct service *service;	 /* NULL: in no slot */
	enum slot_id slot;
	bool removed; /* to be freed once all of it has ended */
	bool dirty;
};

/** Makes a group and its processes from a configuration; starts nothing. */
int group_add(struct supervisor *sup, const struct group_config *config, struct config *origin,
	      struct diag *diag, struct group **ret);
/** One more process of a group (a reload); or one less, that has ended. */
int group_add_process(struct group *g, const struct worker_config *config, struct config *origin,
		      struct diag *diag, struct process **ret);
void group_remove_process(struct process *p);
/** Frees a group whose processes have all ended. */
void group_remove(struct group *g);
/** After priorities changed. */
void groups_sort(struct supervisor *sup);
bool group_ended(const struct group *g);
/** Starts it where it has autostart=true and no idle slot holds it back. */
void process_autostart(struct process *p);
/** Likewise, all of a group. */
void group_autostart(struct group *g);
/* ---- names.c ---- */

struct group *group_find(struct supervisor *sup, const char *name);
/** "group:name" or "name" (both the same). NULL when there is none. */
struct process *process_find(struct supervisor *sup, const char *namespec);

/** What a name in a command stands for. */
struct selection {
	VEC(struct process *) processes; /* in ascending priority */
	bool many;			 /* a group or all: answered with items */
};
/** "all", "group:*", "group:", "group:name", "name". 0 or -ENOENT, -ENOMEM. */
int selection_make(struct supervisor *sup, const char *name, struct selection *ret);
void selection_done(struct selection *s);

/* ---- supervisor.c ---- */

/* Supervisor's "moods"; numbers are its API. */
enum mood {
	MOOD_SHUTDOWN = -1,
	MOOD_RESTARTING = 0,
	MOOD_RUNNING = 1,
};

/** What the command line decided. Keeps everything. */
struct supervisor_options {
	const char *config_path; /* as given by -c, NULL: default places */
	const struct config_overrides *overrides;
	bool foreground; /* log lines go to stdout, too */
	int ready_fd;	 /* told when the start is done: daemonizing; -EBADF: nobody */
};
/** Makes it, starts everything. Takes config. 0, or -errno with nothing left running. */
int supervisor_start(struct supervisor *sup, const struct supervisor_options *options,
		     struct config *config, struct diag *diag);
/** Until the shutdown is complete; then everything is freed. sup->mood tells how it ended. */
void supervisor_run(struct supervisor *sup);
/** Stops all workers, level by level, then the helpers; restart: slotd then executes itself. */
void supervisor_shutdown(struct supervisor *sup, enum mood mood);
/* ---- directories.c: slotd's own ---- */

/** Makes state_dir, run_dir and log_dir, or finds a substitute, which is logged later. */
int directories_make(struct supervisor *sup, struct diag *diag);
/** Those of this run, whatever a configuration that was read later says. */
void directories_keep(struct supervisor *sup, struct config *config);

/* ---- waits.c ---- */

void waits_init(struct supervisor *sup);
/** Starts it when nothing it has to wait for is left, which may be at the end of this turn. */
void process_start_after(struct process *p, enum process_wait what);
/** It is started or stopped by somebody meanwhile, or goes. */
void process_wait_no_more(struct process *p);
/** The first process that it waits for; NULL: none. */
const struct process *process_waits_for(const struct process *p);
/** A process has ended. */
void waits_look_soon(struct supervisor *sup);

/* ---- activity.c ---- */

/** Something happens, so the helpers have work: those that hang are found. */
struct activity {
	int fd; /* an epoll set */
	struct loop_io io;
	struct loop_timer timer;
};
void activity_init(struct supervisor *sup);
/** What comes to this descriptor is a helper's work. Borrows it. */
void activity_watch(struct supervisor *sup, int fd);
/** SIGCHLD: a helper may have been stopped. */
void activity_child(struct supervisor *sup);
void activity_done(struct supervisor *sup);

/* ---- clock.c ---- */

/** Once there is a loop: times that were noted by the wall clock are moved when that is set. */
void clock_init(struct supervisor *sup);

/* ---- systemd.c ---- */

/** Once there is a loop. */
void systemd_init(struct supervisor *sup);
/** The start is done: READY=1, and the watchdog is fed from now on. */
void systemd_ready(struct supervisor *sup);
/** The mood says what begins: a restart, which systemd sees as a reload, or the end. */
void systemd_ending(struct supervisor *sup);
void systemd_done(struct supervisor *sup);
/** For systemctl status: "payinv b, 12 workers". */
void supervisor_notify_status(struct supervisor *sup);

/* ---- services.c ---- */

/** Makes services for the configuration, binds their sockets, reads who is live. */
int services_init(struct supervisor *sup, struct diag *diag);
void services_done(struct supervisor *sup);
/** Public sockets that are unix sockets. */
void services_look_after(struct supervisor *sup);
struct service *service_find(struct supervisor *sup, const char *name);
struct supervisor *service_supervisor(const struct service *s);
/**
 * A worker of one of its slots was made (p->service and p->slot are set), or is about to be
 * freed. Services are made before the groups at the start, so that every worker comes this way.
 */
void service_process_added(struct service *s, struct process *p);
void service_process_removed(struct service *s, struct process *p);
/** May p be started or stopped by hand now? -EBUSY and which deploy uses it; 0. */
int service_may_change(const struct process *p, struct diag *diag);
/** Somebody asked for its end: said where a live slot stands still by it. */
void service_note_stop(struct process *p, const char *who);
/** Gives up what has not flipped yet: workers end now. */
void services_shutdown(struct supervisor *sup);
/**
 * A reload in two steps. prepare checks what the next configuration has of services and binds new
 * addresses; nothing changes for anybody. -errno and why not (removing a live slot's program
 * without force is -EBUSY). Then commit, which cannot fail and after which no service points into
 * the old configuration, or abandon.
 */
int services_reload_prepare(struct supervisor *sup, struct config *next, bool force,
			    struct diag *diag);
void services_reload_commit(struct supervisor *sup, struct config *next);
void services_reload_abandon(struct supervisor *sup);
/** A worker of one of its slots changed state. */
void service_process_changed(struct service *s, struct process *p, enum worker_state from);
/** Is this process in an idle slot, which "start all" and autostart pass by? */
bool service_passes_by(const struct process *p);
/** Do clients depend on it: is it in a live slot, or one that still drains? */
bool service_serves(const struct process *p);
/** For STATUS=: "payinv b, chat a". Returns buf. */
const char *services_summary(struct supervisor *sup, char *buf, size_t size);
/** Gives slotd-control the relays' pages of counts. */
void relays_publish(struct supervisor *sup, struct helper *control);
/** Puts one service and its two slots as messages: publish.c. */
void service_publish(struct service *s, struct helper *control);

/* ---- jobs.c ---- */

/** Who asks for what. Texts are borrowed for the call. */
struct job_request {
	enum swap_kind kind;
	const char *service, *release, *who;
	uid_t uid; /* -1: unknown */
	gid_t gid;
	bool trusted; /* may do everything; else allow_deploy of the service decides */
	bool force;
};
/** Job number (> 0), or a negative errno with the sentence: -EBUSY, -ENOENT, -EACCES, -EINVAL. */
int job_begin(struct supervisor *sup, const struct job_request *req, struct diag *diag);
/** Ends the service's running job before its flip; or its drain at once. 0 or as above. */
int job_abort(struct supervisor *sup, const struct job_request *req, struct diag *diag);
int service_drain_now(struct supervisor *sup, const struct job_request *req, struct diag *diag);

/* ---- publish.c ---- */

/** Something of that object changed; it is sent when control can take it, newest state only. */
void publish_process(struct process *p);
void publish_group(struct group *g);
void publish_service(struct service *s);
void publish_daemon(struct supervisor *sup);
void publish_process_gone(struct supervisor *sup, uint32_t id);
void publish_group_gone(struct supervisor *sup, const char *name);
void publish_service_gone(struct supervisor *sup, const struct service *s, uint32_t index);
/** The available configuration is another one. */
void publish_configs(struct supervisor *sup);
/** An ANSWER or ANSWER_ITEM: after all state that changed before it. 0 or -errno. */
int publish_answer(struct supervisor *sup, struct message *m);
int publish_init(struct supervisor *sup);
void publish_done(struct supervisor *sup);
/** getAllConfigInfo's struct of one process as JSON; the caller frees it. NULL: no memory. */
char *config_json(const struct worker_config *w, const struct group_config *g);

/* ---- reload.c ---- */

enum reload_kind {
	RELOAD_REREAD,	/* Supervisor's: only make it available */
	RELOAD_APPLY,	/* all or nothing; restart what changed */
	RELOAD_RESTART, /* only check it; then slotd stops everything and starts anew */
};

/**
 * Reads the configuration again, resolves it in a child, then does what kind says and answers
 * request (0: nobody asked; a signal).
 */
void reload_begin(struct supervisor *sup, enum reload_kind kind, uint32_t request, bool force);
/** Frees configurations and processes that nothing needs any more. */
void reload_sweep(struct supervisor *sup);
/** A worker it waits for has ended, maybe. */
void reload_continue(struct supervisor *sup);
/** slotd ends: a reload that is being resolved is given up. */
void reload_cancel(struct supervisor *sup);
void reload_done(struct supervisor *sup);
/** Warnings and errors to slotd's log. */
void reload_log_messages(const struct config *config);

/* ---- predecessor.c: what a former slotd left ---- */

/** Locks state_dir; a slotd that has it is named. */
int predecessor_lock(struct supervisor *sup, struct diag *diag);
/** Asks a slotd-keep that outlived its slotd. -EBUSY names the workers that live. */
int predecessor_check(struct supervisor *sup, struct diag *diag);
/** Lets a later slotd ask ours. */
int predecessor_succeed(struct supervisor *sup, struct diag *diag);
/** Makes run_dir again, too. */
void predecessor_look_after(struct supervisor *sup);
/** slotd ends in order: there is nothing to ask for. */
void predecessor_done(struct supervisor *sup);

/* ---- pidfile.c ---- */

/** A former run's is overwritten; what is no regular file is left alone. Failures are logged. */
void pidfile_write(struct supervisor *sup);
void pidfile_look_after(struct supervisor *sup);
/** Removes it if it is still the one written, with our pid in it. */
void pidfile_remove(struct supervisor *sup);

/* ---- lookout.c: names that went away are made again ---- */

int lookout_init(struct supervisor *sup);
void lookout_done(struct supervisor *sup);
/** At the end of this turn every owner's X_look_after runs: it has other names than before. */
void lookout_look(struct supervisor *sup);
/** Within look_after, for a name that stands: wakes us when it goes. Borrows n. */
void lookout_watch(struct supervisor *sup, const struct own_name *n);
/** Within look_after: it could not be made again. Said once; tried again. */
void lookout_failed(struct supervisor *sup, struct own_name *n, const struct diag *diag);
/** It could; said. */
void lookout_made(struct own_name *n);

/* ---- rivals.c: a supervisor of the same programs ---- */

/** -EBUSY names the one that lives and what it shares with us: pid file, socket, file. */
int rivals_check(struct supervisor *sup, struct diag *diag);

/* ---- the whole ---- */

struct supervisor {
	struct loop *loop;
	struct children children;	/* for child_run */
	struct config *config;		/* the last one read: what a group is added from */
	struct config *services_config; /* what the services point into */
	struct supervisor_options options;
	enum mood mood;
	int exit_code;
	usec_t started_wall;
	struct clock_watch clock;
	struct activity activity;
	unsigned n_waiting; /* processes that wait for an end: waits.c */
	struct loop_idle waits_idle;

	int ledger_fd;
	struct ledger *ledger;
	int switchboard_fd; /* writable */
	struct switchboard *switchboard;
	char directories[3][PATH_MAX]; /* directories.c: state_dir, run_dir, log_dir */
	char directories_note[2 * PATH_MAX];
	int lock_fd;		       /* state_dir/lock */
	struct relay_pool *relay_pool; /* made with the first relay; NULL: not yet */
	int relay_pool_fd;
	int keep_socket_fd; /* served by slotd-keep */
	char keep_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct own_name keep_name;
	struct own_name pidfile;
	int pidfile_fd;				/* keeps its inode; -EBADF: not written */
	struct loop_signal signals[SIGSYS + 1]; /* by number */
	struct loop_idle reap_idle, shutdown_idle;
	struct loop_timer shutdown_timer; /* listeners hear of the shutdown until then */
	bool heard;
	struct loop_timer watchdog;
	usec_t watchdog_interval;
	struct loop_timer patience; /* systemd is asked for more time */

	VEC(struct group *) groups;	 /* by (priority, name) */
	VEC(struct process *) processes; /* by ledger index; NULL where free */
	struct slab process_memory;
	VEC(struct service *) services;
	VEC(struct helper *) helpers;
	char helper_dir[2][PATH_MAX]; /* where helpers are looked for; build tree first */
	struct map kept;	      /* what slotd-keep holds, by name: struct kept of helpers.c */
	bool quitting;		      /* helpers_quit was called */

	struct process *starts, *starts_last; /* starts.c: that wait for their turn */
	unsigned starts_done;		      /* in this turn of the loop */
	usec_t crashers_from; /* the next turn of those that crash again and again */
	struct loop_timer starts_timer;

	uint32_t next_request, next_stream;
	uint64_t generation;
	struct log_once exhausted; /* EMFILE, ENOMEM, EAGAIN from fork */

	void *requests;		 /* requests.c: those that wait */
	bool requests_ready;	 /* some can be answered */
	unsigned requests_depth; /* walks over the list that are going on */

	/* private to their files */
	void *events, *fcgi, *streams, *ownlog, *servers, *publish, *jobs, *records, *gate, *reload;
	void *services_reload, *lookout;
};
