#pragma once

/**
 * Services, inside slotd: what these files share.
 *
 *	services.c         a service's life: who is live, what its workers' changes mean
 *	service_sockets.c  its public sockets
 *	service_swap.c     plan of core/swap.c and core/retire.c: each action carried out
 *	service_slots.c    a slot's workers: start, stop, count, up or down
 *	service_relays.c   slotd-relay: what each is told, at its start and when something changes
 *	service_rounds.c   flips, drains, cuts: every relay answers, or is restarted
 *	service_publish.c  a service as slotd-control sees it
 *	service_reload.c   another configuration
 *	gate.c             checks by slotd-probe or a command; the gate
 *	prepare.c          the prepare commands, and the environment commands get
 *	records.c          state file, live_file, live_link, history: who waits for which
 *	record_files.c     what a short-lived child does to these files
 *	live_watch.c       live_file edited by hand
 *	jobs.c, job_*.c    deploy, swap and rollback as people see them
 *
 * A swap's way: job_begin -> service_feed -> core/swap.c -> a plan, whose actions start slots,
 * checks, records and flips; each of these ends in service_feed with what came of it.
 */

#include "supervisor.h"

#include <slotd/child.h>
#include <slotd/listen.h>
#include <slotd/spawn.h>

struct job;

/* ---- rounds: something every relay has to answer ---- */

enum round_kind {
	ROUND_NONE,
	ROUND_TABLE,   /* both slots' tables are known */
	ROUND_FLIPPED, /* all placed before the flip have connected or failed over */
	ROUND_DRAIN,
	ROUND_CUT,
};

enum {
	RELAYS_MAX = SWITCHBOARD_RELAYS, /* bits of waiting */
};

struct round {
	struct service *service;
	enum slot_id slot;
	enum round_kind kind;
	uint32_t id;
	uint64_t waiting; /* relays, by index, that have not answered */
	usec_t spread;	  /* ROUND_CUT: what it may take */
	uint64_t n_cut;	  /* ROUND_CUT: connections that were ended by it, as answered */
	struct loop_timer timer;
};

/* ---- a service ---- */

struct public_socket {
	uint32_t index; /* its number at the relays */
	char *address;
	int fd;		      /* -EBADF: not bound yet */
	struct own_name name; /* of a unix socket; empty: not ours to remove (systemd's) */
};

struct service_slot {
	struct retire retire;
	struct loop_timer timer; /* of retire */
	struct round round;	 /* of drain or cut */
	char release[64];
	usec_t since;  /* wall clock: live since, or idle since */
	bool clearing; /* its workers end first, then it starts */
	bool proven;   /* it was live with what it holds: a rollback may go there */
	bool touched;  /* a deploy into it has begun, and none has succeeded since */
};

enum {
	SERVICE_NOTE_MAX = 256,
};

struct service_event {
	struct swap_event event;
	char text[PLAN_TEXT_MAX];
};

/** How far the shell has come in the prepare commands: it prints each line as it reads it. */
struct prepare_trace {
	const char *next; /* what it will print next; borrowed from the configuration */
	char line[512];	  /* of the output, as far as it came */
	size_t n_line;
	char command[160]; /* the last line it printed that says something */
	unsigned number;   /* of that line */
	unsigned n_lines;
};

struct service {
	struct supervisor *sup;
	const struct service_config *config;
	struct config *origin; /* what config points into */
	char *name;
	uint32_t index; /* in switchboard and ledger */
	bool down;	/* who is live is not known: it is not started */
	VEC(struct public_socket) sockets;
	uint32_t next_socket;
	struct loop_timer bind_timer; /* an address was taken: tried again */
	struct service_slot slots[SLOT_MAX_];

	struct swap swap;
	struct swap_policy policy;
	struct gate_policy gate_policy;
	struct loop_timer swap_timer;
	struct round flip;
	usec_t flipped_at;
	struct service_event events[SWAP_EV_MAX_]; /* that came while one was carried out */
	unsigned n_events;
	bool stepping;

	bool gating;
	struct process *culprit; /* whose failure the gate reports; NULL: none */
	struct loop_timer check_timer;
	struct child prepare;
	struct prepare_trace trace;
	struct job *job;     /* the one that runs; NULL: none */
	struct job *closing; /* done but for its last line: the old slot drains */

	struct loop_timer record_timer; /* a record failed: tried again */
	int watch_fd;			/* inotify on live_file's directory; -EBADF */
	int watch_wd;
	struct loop_io watch_io;
	char note[SERVICE_NOTE_MAX]; /* what is wrong with it, for people */
	char stopper[64];	     /* who stopped the live slot */
	bool holding;		     /* the live slot stands still, and that was said */
	struct loop_idle settle;     /* rows for the relays, once a turn */
	/* Rows the relays have, by place in the ledger: known at all, and as up. */
	uint64_t told[SWITCHBOARD_WORKERS / 64], told_up[SWITCHBOARD_WORKERS / 64];
};

static inline enum slot_id service_live(const struct service *s)
{
	return s->swap.live;
}

/** The next process of that slot (SLOT_MAX_: of both); *pos is 0 at first. NULL at the end. */
struct process *service_next(const struct service *s, enum slot_id slot, size_t *pos);
/** "payinv-b", what people call the slot. */
const char *service_slot_label(const struct service *s, enum slot_id slot);
/** "b (4f2c91e)", or "b". Returns buf. */
const char *service_slot_text(const struct service *s, enum slot_id slot, char *buf, size_t size);
void service_say(struct service *s, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Sets the note; NULL or "" clears it. */
void service_set_note(struct service *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** The word in the switchboard as it is. */
struct switch_word service_word(const struct service *s);
/** Writes word and ledger; a change of live sets flipped_at. */
void service_store(struct service *s, enum slot_id live, enum switch_mode mode);
/** Live, generation, step and releases, as they are. */
void service_write_ledger(struct service *s);
/** The wall clock was set: since when a slot is live or idle moves along. */
void service_move_times(struct service *s, int64_t by);

/** Makes one, opens its sockets and decides who is live. 0 or -errno. */
int service_add(struct supervisor *sup, const struct service_config *config, struct config *origin,
		struct diag *diag);
void service_remove(struct service *s);
/** Takes over another configuration: settings at once, sockets as it lists them. */
void service_reconfigure(struct service *s, const struct service_config *config,
			 struct config *origin);

/* ---- service_sockets.c ---- */

/** How its public sockets are made. */
struct listen_options service_listen_options(const struct service_config *c);

void sockets_init(struct service *s);
/** One for each configured address that has none yet; not bound. 0 or -ENOMEM. */
int sockets_add(struct service *s);
/** Binds what is not bound; what is taken is noted and tried again. */
void sockets_open(struct service *s);
/** Closes those that the configuration lists no more. */
void sockets_drop(struct service *s);
void sockets_close(struct service *s);

/* ---- service_swap.c ---- */

/** Feeds core/swap.c and carries out its plan; text is copied. */
void service_feed(struct service *s, enum swap_event_kind kind, int code, const char *text);
void service_begin(struct service *s, enum swap_kind kind, bool warm, bool draining);
void service_retire(struct service *s, enum slot_id slot, enum retire_event_kind kind);
void service_swap_init(struct service *s, enum slot_id live);
void service_swap_done(struct service *s);
/** Can the flip be recorded? NULL: yes; else why not. */
void service_checked(struct service *s, const char *error);
/** A process of the target slot changed: is START over? */
void service_start_progress(struct service *s);

/* ---- service_slots.c ---- */

struct slot_count {
	unsigned total; /* workers with an address */
	unsigned running, healthy, lost;
	unsigned alive; /* processes of any kind that are, or will be, there */
	unsigned stopping;
	unsigned queue; /* workers without an address */
};

void slot_count(const struct service *s, enum slot_id slot, struct slot_count *ret);
/** What relays have open to a slot, summed. */
struct slot_load {
	uint64_t queued, silent, active, idle, pinned;
};
/** All of them. */
static inline uint64_t slot_load_total(const struct slot_load *l)
{
	return l->queued + l->silent + l->active + l->idle + l->pinned;
}
void slot_load(const struct service *s, enum slot_id slot, struct slot_load *ret);
/** Starts what has an address; afresh: what runs ends first. */
void slot_start(struct service *s, enum slot_id slot, bool afresh);
/** Goes on with slot_start once what had to end has ended. True when nothing is waited for. */
bool slot_start_goes_on(struct service *s, enum slot_id slot);
/** Its workers are not killed before patience is over, where their stopwaitsecs is less. */
void slot_stop(struct service *s, enum slot_id slot, usec_t patience);
/** The queue workers of the live slot start, those of the other stop. */
void slots_exchange_queue_workers(struct service *s);
bool slot_is_draining(const struct service *s, enum slot_id slot);
/** Are its workers up and healthy enough to take over at once? */
bool slot_is_warm(const struct service *s, enum slot_id slot);
/** How many of each slot run and are healthy: for slot_worker_up. */
void service_count_healthy(const struct service *s, unsigned ret[SLOT_MAX_]);
/** May connections be placed on it? */
bool slot_worker_up(const struct process *p, const unsigned healthy[SLOT_MAX_]);
/** Queues rows of all its workers for the relays at the end of this turn. */
void service_settle_soon(struct service *s);
/** OPEN, or HOLD where the live slot was stopped by hand. */
void service_judge_mode(struct service *s);

/* ---- service_relays.c ---- */

/** Tells all relays of a new service, or of changed settings. */
void relays_service(struct service *s);
void relays_service_gone(struct service *s);
void relays_socket(struct service *s, const struct public_socket *socket);
/** Its queue is still taken, then each relay closes it. */
void relays_socket_gone(struct service *s, const struct public_socket *socket);
/** Rows that changed since they were last told. */
void relays_workers(struct service *s);
/** Its row is told once more, changed or not: a relay that it refused tries it again at once. */
void relays_worker_again(const struct process *p);
void relays_worker_gone(struct service *s, const struct process *p);
/** The page of counts of relay i, NULL when there is none. */
const struct relay_page *relay_page_of(const struct supervisor *sup, unsigned i);
void relays_done(struct supervisor *sup);

/* ---- service_rounds.c ---- */

/** Table to all, answered; store; doorbell, answered; then SWAP_EV_FLIPPED. */
void relays_flip(struct service *s);
void relays_drain(struct service *s, enum slot_id slot);
/** Ends what the slot has, evenly over spread. */
void relays_cut(struct service *s, enum slot_id slot, usec_t spread);
void round_init(struct round *r, struct service *s, enum slot_id slot);
void round_cancel(struct round *r);

/* ---- gate.c ---- */

/** Checks of the target slot's workers until gate_end; ends in READY or NOT_READY. */
void gate_begin(struct service *s);
void gate_end(struct service *s);
/** A worker changed state, or went: what is known of its health is void. */
void gate_worker_changed(struct service *s, struct process *p);
void gate_forget(struct process *p);
/** Checks are due: arms the timer for the next. */
void gate_schedule(struct service *s);
/** What START or GATE still waits for, for people; names the culprit. Returns buf. */
const char *gate_report(struct service *s, char *buf, size_t size);
void gate_init(struct service *s);
void gate_stop(struct service *s);
void gate_done(struct supervisor *sup);

/* ---- prepare.c ---- */

void prepare_start(struct service *s);
void prepare_stop(struct service *s);
/**
 * The environment of a command that works for a slot: its first worker's, and SLOTD_SERVICE,
 * SLOTD_SLOT, SLOTD_LIVE_SLOT, SLOTD_PORTS, SLOTD_RELEASE.
 */
int prepare_environment(const struct service *s, enum slot_id slot, const struct process *worker,
			struct env *env);

/* ---- records.c ---- */

/** Reads the state file. 0, or -errno and diag when it cannot be read. */
int records_init(struct supervisor *sup, struct diag *diag);
void records_done(struct supervisor *sup);
/** What the state file says of a service. */
struct record {
	enum slot_id live;
	usec_t since; /* wall clock; 0: it does not say */
	char release[SLOT_MAX_][64];
	bool proven[SLOT_MAX_]; /* see struct service_slot */
};
/** 0, -ENOENT, or -EUCLEAN and diag. */
int records_find(struct supervisor *sup, const char *service, struct record *ret,
		 struct diag *diag);
/** Can the record of a flip to the target be written? Ends in RECORD_OK or RECORD_FAILED. */
void records_check(struct service *s);
/** Writes who is live; ends in RECORDED where the swap waits for it. */
void records_write(struct service *s);
/** Writes the state file alone (job numbers). */
void records_write_state(struct supervisor *sup);
/** One line of JSON for state_dir/history. Takes line. */
void records_history(struct supervisor *sup, char *line);
/** Where those lines are. */
void records_history_path(const struct supervisor *sup, char *buf, size_t size);
/** Compares live_file and live_link with what is live and puts them right. */
void records_repair(struct service *s);
/** Forgets what is queued for a service that goes. */
void records_forget(struct service *s);
uint32_t records_next_job(struct supervisor *sup);

/* ---- live_watch.c ---- */

/** Watches live_file (inotify), so that an edit by hand is put right. */
void live_watch_start(struct service *s);
/** live_file was just written: its directory may be another than before. */
void live_watch_renew(struct service *s);
void live_watch_stop(struct service *s);

/* ---- service_reload.c ---- */

/** A socket that a reload has bound for this address, and its name; -ENOENT. */
int service_reload_take(struct supervisor *sup, const char *address, struct own_name *ret_name);

/* ---- jobs.c ---- */

/** "3/6 gate ok 1.1 s ..." for the step that has ended. */
void job_stepped(struct service *s, const struct plan_action *a);
/** The swap is over: the closing sentence, history, and what the culprit printed last. */
void job_finished(struct service *s, const struct plan_action *a);
/** The old slot has drained: the last line of the job that waits for it. */
void job_drained(struct service *s, const char *how);
/** What a command prints, not at line ends; len 0: it has ended. */
void job_output(struct job *j, const char *data, size_t len);
const char *job_release(const struct job *j);
/** log_dir/SERVICE-JOB.log. Returns buf. */
const char *job_log_path(const struct job *j, char *buf, size_t size);
/** "payinv: deploy #112 by ana is in "gate" for 41 s. ..." Returns buf. */
const char *job_describe(const struct job *j, char *buf, size_t size);
uint32_t job_number(const struct job *j);
const char *job_who(const struct job *j);
/** Sends what control has not had of this service's jobs. */
void jobs_publish(struct service *s, struct helper *control);
/** The service goes: its jobs are over, and so told. */
void jobs_forget(struct service *s);
void jobs_done(struct supervisor *sup);
