#pragma once

/**
 * Judges a service (core/service.c): the conditions of its workers, sockets and records, and what
 * people have asked for, decide where new connections go, which workers get some, the state of each
 * slot and what is wrong. The conditions are the only input: the same conditions always give the
 * same verdict, so it may be called at any time.
 */

#include <slotd/handoff.h>
#include <slotd/retire.h>
#include <slotd/service_names.h>
#include <slotd/worker.h>

/** One worker of a slot. */
struct worker_condition {
	enum worker_state state;
	bool served;   /* it has an address; a worker without is a queue worker */
	bool healthy;  /* by its checks */
	bool ended;    /* it has no process, and will not get one by itself */
	bool given_up; /* EXITED, and not started again by itself */
	bool leaving;  /* a rolling restart drains it */
	bool ran;      /* STOPPED: it was running before, so somebody has stopped it */
};

/** Numbers of the workers of a slot. */
struct slot_count {
	unsigned total;	   /* have an address */
	unsigned running;  /* of total: run */
	unsigned healthy;  /* of running: are healthy, and not leaving */
	unsigned lost;	   /* of total: are not ready, and will not become so by themselves */
	unsigned stopped;  /* of total: were stopped by hand */
	unsigned queue;	   /* have no address */
	unsigned alive;	   /* of all: have a process, or will get one */
	unsigned stopping; /* of all: are being stopped */
};

/** Counts one more worker of the slot. */
void slot_count_add(struct slot_count *c, const struct worker_condition *w);

/** May connections be placed on this worker? If no worker is healthy, one that fails its checks is
 * better than none. */
bool worker_is_up(const struct worker_condition *w, const struct slot_count *slot);

/** What people have asked for, other than that the live slot gets all connections. */
struct service_wish {
	bool pause;
	bool offline;	     /* requests are answered without a worker; it goes before a pause */
	bool frozen;	     /* deploys are refused; it changes no placement */
	enum slot_id canary; /* the slot that gets weight; if it is live, weight has no effect */
	uint16_t weight;     /* of PLACEMENT_WHOLE */
	bool ab;	     /* it is an A/B test, and no canary */
};

struct service_conditions {
	bool unknown;	   /* which slot is live is not known */
	enum slot_id live; /* by the record, or the last flip */
	struct service_wish wish;
	struct slot_count slots[SLOT_MAX_];
	enum retire_state retire[SLOT_MAX_];
	enum slot_id target; /* of the job that runs; SLOT_INVALID_: none does */
	unsigned unbound;    /* number of public addresses on which slotd does not listen */
	bool unrecorded;     /* which slot is live could not be recorded */
};

struct service_verdict {
	struct placement placement;
	enum slot_state slots[SLOT_MAX_];
	unsigned share[SLOT_MAX_]; /* of new connections, of PLACEMENT_WHOLE */
	uint32_t troubles;	   /* the trouble_bits of all */
};

/** Fills *ret, which depends on the conditions alone. */
void service_judge(const struct service_conditions *c, struct service_verdict *ret);
