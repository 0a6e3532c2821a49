#pragma once

/**
 * A service, as the rooms from here on share it.
 *
 * A swap's way: job_begin -> service_feed -> core/deploy.c -> a plan, whose actions start slots,
 * checks, records and flips; each of these ends in service_feed with what came of it.
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
	uint64_t waiting;    /* relays, by index, that have not answered */
	usec_t spread;	     /* ROUND_CUT: what it may take */
	uint64_t n_cut;	     /* ROUND_CUT: connections that were ended by it, as answered */
	struct placement to; /* ROUND_TABLE: what is stored when all have answered */
	struct loop_timer timer;
};

/* ---- a service ---- */

enum {
	SERVICE_WHY_MAX = 256,	/* the particulars of a trouble */
	SERVICE_TEXT_MAX = 512, /* a trouble in words */
};

struct public_socket {
	uint32_t index; /* its number at the relays */
	char *address;
	int fd;			   /* -EBADF: not bound yet */
	bool taken;		   /* by somebody else: only tried when it is free */
	bool named;		   /* who has taken it was looked for */
	char why[SERVICE_WHY_MAX]; /* it is not bound */
	struct own_name name;	   /* of a unix socket; empty: not ours to remove (systemd's) */
};

/** Who holds the addresses that are taken, as a child finds out. */
struct holders {
	struct child child;
	char said[1024];
	size_t n_said;
};

struct service_slot {
	struct retire retire;
	struct loop_timer timer; /* of retire */
	struct round round;	 /* of drain or cut */
	uint64_t n_cut;		 /* connections that the last cut ended */
	char release[64];
	usec_t since;  /* wall clock: live since, or idle since */
	bool clearing; /* its workers end first, then it starts */
	bool proven;   /* it was live with what it holds: a rollback may go there */
	bool touched;  /* a deploy into it has begun, and none has succeeded since */
};

struct service_event {
	struct deploy_event event;
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
	uint32_t index;		       /* in switchboard and ledger */
	bool down;		       /* who is live is not known: it is not started */
	VEC(struct process *) workers; /* of both slots; NULL: a place that is free */
	VEC(struct public_socket) sockets;
	uint32_t next_socket;
	struct loop_timer bind_timer; /* an address was taken: tried again */
	struct holders holders;
	struct service_slot slots[SLOT_MAX_];

	struct deploy swap;
	struct swap_policy policy;
	struct gate_policy gate_policy;
	struct loop_timer swap_timer;
	struct placement placed;  /* where new connections go */
	struct placement flip_to; /* where they go when the flip that goes on is over */
	bool flipping;
	struct service_wish wish; /* of people: nothing beyond a live slot that gets everything */
	struct round flip;
	usec_t flipped_at;
	struct service_event events[DEPLOY_EV_MAX_]; /* that came while one was carried out */
	unsigned n_events;
	bool stepping;

	bool gating;
	struct process *culprit; /* whose failure the gate reports; NULL: none */
	struct loop_timer check_timer;
	struct child prepare;
	struct prepare_trace trace;
	struct {
		uint64_t conns, failed;
	} before_bake;	     /* of the new slot, as the relays count */
	struct job *job;     /* the one that runs; NULL: none */
	struct job *closing; /* done but for its last line: the old slot drains */

	struct loop_timer record_timer; /* a record failed: tried again */
	int watch_fd;			/* inotify on live_file's directory; -EBADF */
	int watch_wd;
	struct loop_io watch_io;
	bool unrecorded;			 /* who is live could not be written down */
	uint32_t troubles;			 /* trouble_bit of each, as last told */
	char why[TROUBLE_MAX_][SERVICE_WHY_MAX]; /* the particulars of each */
	struct loop_idle settle;		 /* service_settle, once a turn */
	/* Rows the relays have, by place in the ledger: known at all, and as up. */
	uint64_t told[SWITCHBOARD_WORKERS / 64], told_up[SWITCHBOARD_WORKERS / 64];
};

static inline enum slot_id service_live(const struct service *s)
{
	return s->swap.live;
}

/**
 * The next process of that slot (SLOT_MAX_: of both); *pos is 0 at first. NULL at the end. They
 * may come and go meanwhile.
 */
struct process *service_next(const struct service *s, enum slot_id slot, size_t *pos);
/** "payinv-b", what people call the slot. */
const char *service_slot_label(const struct service *s, enum slot_id slot);
/** "b (4f2c91e)", or "b". Returns buf. */
const char *service_slot_text(const struct service *s, enum slot_id slot, char *buf, size_t size);
void service_say(struct service *s, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** The particulars of a trouble, which the next verdict may find; "" for none. */
void service_explain(struct service *s, enum trouble t, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** In words. Returns buf. */
const char *service_trouble_text(const struct service *s, enum trouble t, char *buf, size_t size);
/** The word in the switchboard as it is. */
struct switch_word service_word(const struct service *s);
/** Puts what is known of it into the ledger. */
void service_write_ledger(struct service *s);
/** The wall clock was set: since when a slot is live or idle moves along. */
void service_move_times(struct service *s, int64_t by);
/** It is judged at the end of this turn: something changed. */
void service_settle_soon(struct service *s);
