#pragma once

/**
 * Requests that are answered later: their workers have not got where they shall, or slotd-log has
 * not answered. A request is answered once; its items (one a worker) first, where it named many.
 */

#include "worker/process.h"

#include <slotd/fault.h>
#include <slotd/message.h>
#include <slotd/plan.h>

enum request_wait {
	WAIT_NOTHING,
	WAIT_STARTED, /* until RUNNING, or it failed */
	WAIT_SPAWNED, /* until it was executed, or that failed */
	WAIT_STOPPED,
	WAIT_LOG, /* slotd-log's answer */
};

struct request_item {
	char *group, *name;
	struct process *process; /* NULL: it is gone, or nothing is waited for */
	enum request_wait wait;
	uint32_t log_requests[2]; /* of WAIT_LOG; 0: none, or answered */
	int code;
	char *text; /* NULL: none */
};

struct request {
	struct supervisor *sup;
	struct request *next;
	uint32_t id; /* of the MSG_COMMAND; 0: nobody asks any more */
	bool many;
	bool filling;	  /* more items may come */
	unsigned waiting; /* items that are not decided */
	int code;	  /* of the answer when there are no items to speak for it */
	int fd;		  /* of a log; -EBADF */
	char path[1024];
	VEC(struct request_item) items;
};

int requests_init(struct supervisor *sup);
/** Nobody is answered any more. */
void requests_done(struct supervisor *sup);
/** Room for items; borrowed until request_begin. NULL without memory. */
struct request *request_new(struct supervisor *sup, uint32_t id, bool many);
/** An item about p, undecided when wait is not WAIT_NOTHING. NULL without memory. */
struct request_item *request_add(struct request *q, struct process *p, enum request_wait wait);
/** Decides an item. */
void request_decide(struct request *q, struct request_item *item, int code, const char *text);
/** Lets steps of workers decide its items from now on; items may be added until request_begin. */
void request_park(struct request *q);
/** All items are there: it is answered and freed as soon as they are decided, maybe now. */
void request_begin(struct request *q);

/** Answers at once. text may be NULL. */
void answer(struct supervisor *sup, uint32_t id, int code, const char *text);

/** As a worker's observer: its states and steps decide what waits for it. */
void requests_process_entered(struct process *p, const struct plan_action *a);
void requests_process_stepped(struct process *p);
/** The worker is about to be freed. */
void requests_process_gone(struct process *p);
/** Ends those that wait for slotd-log with that id; 0: all of them. */
void requests_log_answered(struct supervisor *sup, uint32_t log_request, struct message *m);
/** Nobody waits for that id; 0: for any. */
void requests_forget(struct supervisor *sup, uint32_t id);
