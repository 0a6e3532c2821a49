#pragma once

/**
 * A service, as the rooms from here on share it.
 *
 * A swap: job_begin -> service_feed -> core/deploy.c -> a plan, whose actions start slots, checks,
 * records and flips; each of these ends in service_feed with its result.
 */

#include "worker/process.h"

#include <slotd/child.h>
#include <slotd/deploy.h>
#include <slotd/health.h>
#include <slotd/ownname.h>
#include <slotd/retire.h>
#include <slotd/service_judge.h>
#include <slotd/vec.h>

struct job;
struct service;

/* ---- rounds: a question that every relay has to answer ---- */

enum round_kind {
	ROUND_NONE,
	ROUND_TABLE,   /* has it the tables of both slots? */
	ROUND_FLIPPED, /* are all connections from before the flip connected, or failed over? */
	ROUND_DRAIN,
	ROUND_CUT,
	ROUND_WORKER_DRAIN,
	ROUND_WORKER_CUT,
};

enum {
	RELAYS_MAX = SWITCHBOARD_RELAYS, /* bits of waiting */
};

struct round {
	struct service *service;
	enum slot_id slot;
	enum round_kind kind;
	uint32_t id;
	uint32_t worker;     /* of the last two kinds: its place in the ledger */
	uint64_t waiting;    /* relays, by index, that have not answered */
	usec_t spread;	     /* ROUND_CUT: the time over which connections are closed */
	uint64_t n_cut;	     /* ROUND_CUT: connections that were closed, by the answers so far */
	struct placement to; /* ROUND_TABLE: to be stored when all have answered */
	struct loop_timer timer;
};

/* ---- a service ---- */

enum {
	SERVICE_WHY_MAX = 256,	/* the details of a trouble */
	SERVICE_TEXT_MAX = 512, /* a trouble in words */
};

struct public_socket {
	uint32_t index; /* its number at the relays */
	char *address;
	bool preview;		   /* it reaches the idle slot */
	bool untold;		   /* the handoff is to be told of it again: it has another role */
	int fd;			   /* -EBADF: not bound yet */
	bool taken;		   /* somebody else has it: tried again only when it is free */
	bool named;		   /* the holder was looked for */
	char why[SERVICE_WHY_MAX]; /* why it is not bound */
	struct own_name name;	   /* of a unix socket; empty: not ours to remove (systemd's) */
};

/** The child that finds out who holds the addresses that are taken. */
struct holders {
	struct child child;
	char said[1024];
	size_t n_said;
};

/** The child that removes releases that are not kept. */
struct prune_run {
	struct child child;
	char said[1024];
	size_t n_said;
};

struct service_slot {
	struct retire retire;
	struct loop_timer timer; /* of retire */
	struct round round;	 /* of drain or cut */
	uint64_t n_cut;		 /* connections that the last cut ended */
	bool drain_waits;	 /* its drain begins when it gets no more connections */
	bool stop_waits;	 /* likewise, that its workers are told to stop */
	char release[64];
	usec_t since;  /* wall clock: live since, or idle since */
	bool hurried;  /* its last cut was asked for: drain --now */
	bool clearing; /* its workers are stopped first, then it starts */
	bool starting; /* during the call that starts them one by one */
	bool proven;   /* it was live with the release it contains: a rollback may go there */
	bool touched;  /* a deploy into it has begun, and none has succeeded since */
	/* Its prepare commands have said why nobody should go back from it: "" if they did not. */
	char one_way[128];
};

struct service_event {
	struct deploy_event event;
	char text[PLAN_TEXT_MAX];
};

/** Commands of a deploy: they run, then their log is written, then it is looked which failed. */
struct hook_run {
	enum hook hook;
	bool queued;	    /* they begin when what comes before them is in the log */
	struct child child; /* the shell; then who looks */
	int code;	    /* exit status of the shell */
	bool waiting;	    /* for the log */
	struct loop_timer patience;
	char said[4096 + 1]; /* by who looks, or by the command that names the release */
	size_t n_said;
};

/** The commands of verify that are repeated; reverify.c. */
struct verify_run {
	struct child child;
	struct loop_timer timer;  /* for the next run */
	bool by_public;		  /* this one looks at the public address: it was open */
	char said[PLAN_TEXT_MAX]; /* the end of its output */
	size_t n_said;
};

/** What people have asked for of a service, until they take it back. */
struct upkeep {
	usec_t pause_end; /* when a pause ends by itself, monotonic; 0: it is not paused */
	struct loop_timer pause_timer;
	char pauser[64];
	usec_t offline; /* since when requests are answered without a worker, wall clock; 0: no */
	char offliner[64], offline_why[128];
	usec_t frozen; /* since when deploys are refused, wall clock; 0: they are not */
	char freezer[64], freeze_why[128];
	usec_t rolled_back; /* wall clock, if its last job was a rollback; else 0 */
};

/** A rolling restart that goes on; what each worker is at, is in struct process. */
struct roll_run {
	struct loop_idle idle; /* to act on what was told in this turn */
	struct loop_timer timer;
	bool forced; /* of one that is about to begin */
};

/** What people ask for, and what is announced. */
enum maintenance_act {
	MAINTENANCE_NONE,
	MAINTENANCE_PAUSE,
	MAINTENANCE_RESUME,
	MAINTENANCE_OFFLINE,
	MAINTENANCE_ONLINE,
};

/** An act that is under way: its announcement runs, or the page is read. */
struct maintenance {
	enum maintenance_act act;
	uint32_t id; /* of the request to be answered when it is over; 0: nobody waits */
	char who[64], why[128];
};

/** The commands of announce. */
typedef void announced_fn(struct service *s);
struct announcement {
	struct child child;
	const char *what;
	announced_fn *then;
	char said[256];
	size_t n_said;
};

/** What is answered while it is offline. */
typedef void offline_page_fn(struct service *s);
struct offline_page {
	int fd; /* memfd, sealed; -EBADF: the page that is built in */
	struct child child;
	int next_fd; /* what the child writes */
	bool again;  /* it is to be read once more */
	offline_page_fn *then;
	char said[128], why[128]; /* by the child; what was logged last */
	size_t n_said;
};

/** Both slots get connections, until somebody says otherwise. */
struct ab_test {
	uint16_t weight; /* of the slot that is not live; 0: there is no test */
	enum slot_id slot;
	usec_t since; /* wall clock */
	char who[64];
};

/** What is watched while the target of a deploy is a canary. */
struct canary_watch {
	struct loop_timer timer, old;
	uint64_t requests, bad;		  /* since when failures are judged, as the relays count */
	uint64_t step_requests, step_bad; /* when the step began */
};

struct service {
	struct supervisor *sup;
	const struct service_config *config;
	struct config *origin; /* the configuration that config is part of */
	char *name;
	uint32_t index;		       /* in switchboard and ledger */
	bool down;		       /* it is not known which slot is live: not started */
	VEC(struct process *) workers; /* of both slots; NULL: a free entry */
	VEC(struct public_socket) sockets;
	uint32_t next_socket;
	struct loop_timer bind_timer; /* to try an address again that was taken */
	struct holders holders;
	struct service_slot slots[SLOT_MAX_];

	struct deploy swap;
	struct swap_policy policy;
	struct gate_policy gate_policy;
	struct loop_timer swap_timer;
	struct placement placed;  /* where new connections go */
	struct placement flip_to; /* where they go after the flip that is going on */
	bool flipping;
	uint16_t told_share;	  /* of the idle slot, as last told to others */
	bool unsharing;		  /* the idle slot is about to get no more connections */
	struct service_wish wish; /* what people have asked for, but for shares */
	struct upkeep upkeep;
	struct maintenance maintenance;
	struct announcement announcement;
	struct offline_page page;
	struct ab_test ab;
	struct canary_watch canary;
	struct round flip;
	VEC(struct round *) worker_rounds; /* one for each worker that is drained alone */
	usec_t flipped_at;
	struct service_event events[DEPLOY_EV_MAX_]; /* came while a plan was carried out */
	unsigned n_events;
	bool stepping;

	bool gating;
	struct process *culprit; /* whose failure the gate reports; NULL: none */
	struct loop_timer check_timer;
	struct loop_timer watchdog_timer;
	usec_t watchdog_due; /* when it is to expire */
	struct hook_run run;
	struct prune_run prune;
	struct roll_run roll;
	struct verify_run verify;
	struct {
		uint64_t conns, failed;
	} before_bake;	     /* of the new slot, as the relays count */
	struct job *job;     /* the job that runs; NULL: none */
	struct job *closing; /* a job of which only the last line is missing: a slot drains */

	struct loop_timer record_timer; /* to try a record again that has failed */
	int watch_fd;			/* inotify on live_file's directory; -EBADF */
	int watch_wd;
	struct loop_io watch_io;
	bool unrecorded;			 /* which slot is live is not recorded */
	uint32_t troubles;			 /* trouble_bit of each, as last told */
	char why[TROUBLE_MAX_][SERVICE_WHY_MAX]; /* the details of each */
	struct loop_idle settle;		 /* service_settle, once a turn */
	/* By index in the ledger: workers that the relays know, and those that they know as up. */
	uint64_t told[SWITCHBOARD_WORKERS / 64], told_up[SWITCHBOARD_WORKERS / 64];
};

static inline enum slot_id service_live(const struct service *s)
{
	return s->swap.live;
}

/** Returns the slot that gets a share of the connections besides the live one, as a canary or in an
 * A/B test; SLOT_INVALID_: there is none. */
static inline enum slot_id service_sharing(const struct service *s)
{
	return s->swap.weight ? s->swap.target : s->ab.weight ? s->ab.slot : SLOT_INVALID_;
}

/**
 * Returns the next process of that slot (SLOT_MAX_: of both), NULL at the end; *pos must be 0 at
 * first. Processes may come and go in between.
 */
struct process *service_next(const struct service *s, enum slot_id slot, size_t *pos);
/** Returns the name that people use for the slot: "payinv-b". */
const char *service_slot_label(const struct service *s, enum slot_id slot);
/** Writes "b (4f2c91e)", or "b" without a release. Returns buf. */
const char *service_slot_text(const struct service *s, enum slot_id slot, char *buf, size_t size);
void service_say(struct service *s, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Records the details of a trouble that the next verdict may find; "" for none. */
void service_explain(struct service *s, enum trouble t, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Describes a trouble in words. Returns buf. */
const char *service_trouble_text(const struct service *s, enum trouble t, char *buf, size_t size);
/** Returns the present word in the switchboard. */
struct switch_word service_word(const struct service *s);
/** Writes the state of the service to the ledger. */
void service_write_ledger(struct service *s);
/** The wall clock was set: adjusts the times since which slots are live or idle. */
void service_move_times(struct service *s, int64_t by);
/** Something has changed: the service is judged at the end of this turn. */
void service_settle_soon(struct service *s);
