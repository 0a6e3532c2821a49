#pragma once

/**
 * A service, as decided (core/service.c): from the conditions of its workers, sockets, records and
 * people follow where new connections go, which workers get some, how each slot stands and what is
 * wrong. There is no state but the conditions: the same ones always give the same verdict, so it
 * may be asked at any time.
 */

#include <slotd/handoff.h>
#include <slotd/retire.h>
#include <slotd/service_names.h>
#include <slotd/worker.h>

/** One worker of a slot. */
struct worker_condition {
	enum worker_state state;
	bool served;   /* has an address; one without is a queue worker */
	bool healthy;  /* by its checks */
	bool ended;    /* has no process, and none is to come by itself */
	bool given_up; /* EXITED, and not started again by itself */
	bool ran;      /* STOPPED: it was running before, so somebody stopped it */
};

/** The workers of a slot, counted. */
struct slot_count {
	unsigned total;	   /* with an address */
	unsigned running;  /* of these */
	unsigned healthy;  /* of these running */
	unsigned lost;	   /* of total: not ready, and not about to become so */
	unsigned stopped;  /* of total: by hand */
	unsigned queue;	   /* without an address */
	unsigned alive;	   /* of any kind: have a process, or will */
	unsigned stopping; /* of any kind */
};

void slot_count_add(struct slot_count *c, const struct worker_condition *w);

/** May connections be placed on it? One that fails its checks is better than none. */
bool worker_is_up(const struct worker_condition *w, const struct slot_count *slot);

/** What people ask for, beyond a live slot that gets everything. */
struct service_wish {
	bool pause;
	enum slot_id canary; /* the slot that weight is for: as the live one it needs none */
	uint16_t weight;     /* of PLACEMENT_WHOLE */
};

struct service_conditions {
	bool unknown;	   /* which slot is live is not known */
	enum slot_id live; /* by the record, or the last flip */
	struct service_wish wish;
	struct slot_count slots[SLOT_MAX_];
	enum retire_state retire[SLOT_MAX_];
	enum slot_id target; /* of the job that runs; SLOT_INVALID_: none does */
	unsigned unbound;    /* public addresses that are not listened on */
	bool unrecorded;     /* which slot is live could not be written down */
};

struct service_verdict {
	struct placement placement;
	enum slot_state slots[SLOT_MAX_];
	unsigned share[SLOT_MAX_]; /* of PLACEMENT_WHOLE: new connections that are placed there */
	uint32_t troubles;	   /* trouble_bit of each */
};

void service_judge(const struct service_conditions *c, struct service_verdict *ret);
