#include "show/requests.h"
#include "show/publish.h"
#include "worker/process.h"
#include "worker/processes.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct requests {
	struct request *first; /* those that wait */
	bool ready;	       /* some can be answered */
	unsigned depth;	       /* walks over the list that are going on */
};

struct request *request_new(struct supervisor *sup, uint32_t id, bool many)
{
	struct request *q = calloc(1, sizeof(*q));

	if (!q) {
		answer(sup, id, FAULT_FAILED, "out of memory");
		return NULL;
	}
	q->sup = sup;
	q->id = id;
	q->many = many;
	q->fd = -EBADF;
	q->code = FAULT_SUCCESS;
	return q;
}

struct request_item *request_add(struct request *q, struct process *p, enum request_wait wait)
{
	struct request_item item = {
		.group = strdup(p ? p->group->name : ""),
		.name = strdup(p ? p->config->name : ""),
		.process = p,
		.wait = wait,
		.code = FAULT_SUCCESS,
	};

	if (!item.group || !item.name || vec_push(&q->items, item) < 0) {
		free(item.group);
		free(item.name);
		return NULL;
	}
	if (wait != WAIT_NOTHING) {
		q->waiting++;
		if (p) {
			p->waiters++;
		}
	}
	return &q->items.at[q->items.len - 1];
}

void request_decide(struct request *q, struct request_item *item, int code, const char *text)
{
	q->sup->requests->ready = true;
	item->code = code;
	free(item->text);
	item->text = text ? strdup(text) : NULL;
	if (item->wait != WAIT_NOTHING) {
		item->wait = WAIT_NOTHING;
		q->waiting--;
		if (item->process) {
			item->process->waiters--;
		}
	}
	item->process = NULL;
}

/* ---- answering */

void answer(struct supervisor *sup, uint32_t id, int code, const char *text)
{
	struct message m;

	if (!id) {
		return;
	}
	message_init(&m, MSG_ANSWER, id);
	message_put_u64(&m, TAG_CODE, (uint64_t)code);
	message_put_text(&m, TAG_TEXT, text);
	(void)publish_answer(sup, &m);
}

static void send_items(struct request *q)
{
	struct message m;

	vec_for_each (item, &q->items) {
		message_init(&m, MSG_ANSWER_ITEM, q->id);
		message_put_u64(&m, TAG_CODE, (uint64_t)item->code);
		message_put_text(&m, TAG_GROUP, item->group);
		message_put_text(&m, TAG_NAME, item->name);
		message_put_text(&m, TAG_TEXT, item->text);
		(void)publish_answer(q->sup, &m);
	}
}

static void send_answer(struct request *q)
{
	struct message m;
	const struct request_item *one = q->many || !q->items.len ? NULL : &q->items.at[0];

	if (!q->id) {
		return;
	}
	if (q->many) {
		send_items(q);
	}
	message_init(&m, MSG_ANSWER, q->id);
	message_put_u64(&m, TAG_CODE, (uint64_t)(one ? one->code : q->code));
	message_put_text(&m, TAG_TEXT, one ? one->text : NULL);
	if (q->fd >= 0) {
		message_put_text(&m, TAG_PATH, q->path);
		message_put_fd(&m, q->fd);
	}
	(void)publish_answer(q->sup, &m);
}

static void request_free(struct request *q)
{
	vec_for_each (item, &q->items) {
		if (item->wait != WAIT_NOTHING && item->process) {
			item->process->waiters--;
		}
		free(item->group);
		free(item->name);
		free(item->text);
	}
	vec_done(&q->items);
	cleanup_closep(&q->fd);
	free(q);
}

void request_park(struct request *q)
{
	struct requests *all = q->sup->requests;

	q->next = all->first;
	q->filling = true;
	all->first = q;
}

/* Takes those off the list that are complete, then answers: an answer may make others so. */
static void finish_complete(struct supervisor *sup)
{
	struct requests *all = sup->requests;
	struct request *complete = NULL, **at = &all->first;

	if (all->depth || !all->ready) {
		return; /* the outermost walk over the list does it */
	}
	all->ready = false;
	while (*at) {
		struct request *q = *at;

		if (q->filling || (q->waiting && q->id)) {
			at = &q->next;
			continue;
		}
		*at = q->next;
		q->next = complete;
		complete = q;
	}
	while (complete) {
		struct request *q = complete;

		complete = q->next;
		send_answer(q);
		request_free(q);
	}
}

void request_begin(struct request *q)
{
	q->filling = false;
	q->sup->requests->ready = true;
	finish_complete(q->sup);
}

/* ---- what a worker's step means for those that wait */

/* What cannot be executed at all is not tried again for a request: Supervisor does not either. */
static void start_failed(struct request *q, struct request_item *item, struct process *p,
			 enum worker_state state)
{
	bool hopeless = p->fault == FAULT_NO_FILE || p->fault == FAULT_NOT_EXECUTABLE;

	request_decide(q, item, p->fault ? p->fault : FAULT_SPAWN_ERROR,
		       hopeless ? p->worker.spawnerr : p->namespec);
	if (hopeless && state == WORKER_BACKOFF) {
		process_give_up(p);
	}
}

static void judge_start(struct request *q, struct request_item *item, struct process *p,
			enum worker_state state)
{
	switch (state) {
	case WORKER_RUNNING:
		request_decide(q, item, FAULT_SUCCESS, "OK");
		break;
	case WORKER_STARTING:
		if (item->wait == WAIT_SPAWNED && p->executed) {
			request_decide(q, item, FAULT_SUCCESS, "OK");
		}
		break;
	case WORKER_BACKOFF:
	case WORKER_FATAL:
		start_failed(q, item, p, state);
		break;
	default:
		request_decide(q, item, FAULT_ABNORMAL_TERMINATION, p->namespec);
		break;
	}
}

static void judge(struct request *q, struct request_item *item, struct process *p,
		  enum worker_state state)
{
	if (item->wait == WAIT_STARTED || item->wait == WAIT_SPAWNED) {
		judge_start(q, item, p, state);
	} else if (item->wait == WAIT_STOPPED && process_ended(p)) {
		request_decide(q, item, FAULT_SUCCESS, "OK");
	}
}

/* Those of thousands step nearly in their order, or in the reverse of it: the search goes both ways
 * from where the last one ended. How many items of q wait for it. */
static unsigned judge_items(struct request *q, struct process *p, enum worker_state state,
			    unsigned waiters)
{
	size_t first = q->last_stepped;
	unsigned found = 0;

	for (size_t i = 0; found < waiters && i < q->items.len; i++) {
		size_t away = (i + 1) / 2;
		size_t at = (first + (i % 2 ? away : q->items.len - away)) % q->items.len;
		struct request_item *item = &q->items.at[at];

		if (item->process == p && item->wait != WAIT_NOTHING) {
			found++;
			q->last_stepped = at;
			judge(q, item, p, state);
		}
	}
	return found;
}

static void stepped(struct process *p, enum worker_state state)
{
	struct supervisor *sup = p->sup;
	unsigned waiters = p->waiters;

	sup->requests->depth++;
	for (struct request *q = sup->requests->first; q && waiters; q = q->next) {
		waiters -= judge_items(q, p, state, waiters);
	}
	sup->requests->depth--;
	if (!p->stepping) {
		finish_complete(sup);
	}
}

void requests_process_entered(struct process *p, const struct plan_action *a)
{
	stepped(p, (enum worker_state)a->arg);
}

void requests_process_stepped(struct process *p)
{
	stepped(p, p->worker.state);
}

void requests_process_gone(struct process *p)
{
	for (struct request *q = p->sup->requests->first; q && p->waiters; q = q->next) {
		vec_for_each (item, &q->items) {
			if (item->process == p) {
				request_decide(q, item,
					       item->wait == WAIT_STOPPED ? FAULT_SUCCESS
									  : FAULT_FAILED,
					       p->namespec);
			}
		}
	}
	finish_complete(p->sup);
}

/* ---- slotd-log's answers */

static void take_log_answer(struct request *q, struct request_item *item, struct message *m)
{
	int64_t code = m ? message_i64(m, TAG_CODE) : -ECONNRESET;

	if (m && message_has(m, TAG_PATH)) {
		(void)snprintf(q->path, sizeof(q->path), "%s", message_str(m, TAG_PATH));
	}
	if (code == 0 && m->n_fds) {
		cleanup_closep(&q->fd);
		q->fd = message_take_fd(m, 0);
	}
	if (code == -ENOENT && item->process && q->fd < 0 && !q->path[0]) {
		code = 0; /* cleared: a worker's log that is not there is empty */
	}
	if (code == -ENOENT) {
		request_decide(q, item, FAULT_NO_FILE, q->path);
	} else if (code < 0) {
		request_decide(q, item, FAULT_FAILED, q->path[0] ? q->path : strerror((int)-code));
	} else if (!item->log_requests[0] && !item->log_requests[1]) {
		request_decide(q, item, FAULT_SUCCESS, "OK");
	}
}

/* Is it one of those the item waits for? It is none any more. */
static bool takes_log_answer(struct request_item *item, uint32_t log_request)
{
	bool mine = false;

	for (size_t i = 0; i < ARRAY_SIZE(item->log_requests); i++) {
		if (item->log_requests[i] &&
		    (!log_request || item->log_requests[i] == log_request)) {
			item->log_requests[i] = 0;
			mine = true;
		}
	}
	return mine && item->wait == WAIT_LOG;
}

void requests_log_answered(struct supervisor *sup, uint32_t log_request, struct message *m)
{
	for (struct request *q = sup->requests->first; q; q = q->next) {
		vec_for_each (item, &q->items) {
			if (takes_log_answer(item, log_request)) {
				take_log_answer(q, item, m);
			}
		}
	}
	finish_complete(sup);
}

void requests_forget(struct supervisor *sup, uint32_t id)
{
	for (struct request *q = sup->requests->first; q; q = q->next) {
		if (!id || q->id == id) {
			q->id = 0;
			sup->requests->ready = true;
		}
	}
	finish_complete(sup);
}

int requests_init(struct supervisor *sup)
{
	sup->requests = calloc(1, sizeof(*sup->requests));
	return sup->requests ? 0 : -ENOMEM;
}

void requests_done(struct supervisor *sup)
{
	if (sup->requests) {
		requests_forget(sup, 0);
		free(sup->requests);
		sup->requests = NULL;
	}
}
