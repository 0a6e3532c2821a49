#pragma once

/**
 * Requests that are answered later, when their workers have reached the state that is waited for,
 * or slotd-log has answered. A request is answered once; if it names several workers, an item for
 * each precedes the answer.
 */

#include "worker/process.h"

#include <slotd/fault.h>
#include <slotd/message.h>
#include <slotd/plan.h>

enum request_wait {
	WAIT_NOTHING,
	WAIT_STARTED, /* until the worker is RUNNING, or has failed */
	WAIT_SPAWNED, /* until its command was executed, or that has failed */
	WAIT_STOPPED,
	WAIT_LOG, /* slotd-log's answer */
};

struct request_item {
	char *group, *name;
	struct process *process; /* NULL: it is gone, or nothing is to be waited for */
	enum request_wait wait;
	uint32_t log_requests[2]; /* WAIT_LOG: ids of requests; 0: none, or answered */
	int code;
	char *text; /* NULL: none */
};

struct request {
	struct supervisor *sup;
	struct request *next;
	uint32_t id; /* of the MSG_COMMAND; 0: nobody waits any more */
	bool many;
	bool filling;	     /* more items may come */
	unsigned waiting;    /* number of items that are not decided */
	size_t last_stepped; /* index of the item whose worker stepped last */
	int code;	     /* of the answer, if there are no items */
	int fd;		     /* of a log; -EBADF */
	char path[1024];
	VEC(struct request_item) items;
};

int requests_init(struct supervisor *sup);
/** Frees all requests, which will not be answered. */
void requests_done(struct supervisor *sup);
/** Makes a request, which is borrowed until request_begin. NULL if there is no memory. */
struct request *request_new(struct supervisor *sup, uint32_t id, bool many);
/** Adds an item about p, undecided unless wait is WAIT_NOTHING. NULL if there is no memory. */
struct request_item *request_add(struct request *q, struct process *p, enum request_wait wait);
/** Decides an item. */
void request_decide(struct request *q, struct request_item *item, int code, const char *text);
/** From now on steps of workers decide its items; items may be added until request_begin. */
void request_park(struct request *q);
/** All items were added: the request is answered and freed as soon as they are decided, maybe now.
 */
void request_begin(struct request *q);

/** Answers a request at once. text may be NULL. */
void answer(struct supervisor *sup, uint32_t id, int code, const char *text);

/** As observers of workers: states and steps of a worker decide items that wait for it. */
void requests_process_entered(struct process *p, const struct plan_action *a);
void requests_process_stepped(struct process *p);
/** The worker is about to be freed. */
void requests_process_gone(struct process *p);
/** Ends the requests that wait for slotd-log with that id; 0: all of them. */
void requests_log_answered(struct supervisor *sup, uint32_t log_request, struct message *m);
/** Nobody waits for the request with that id any more; 0: for any. */
void requests_forget(struct supervisor *sup, uint32_t id);
