#include "show/notice_queue.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "show/notice_run.h"
#include "show/requests.h"
#include "worker/process.h"

#include <slotd/cleanup.h>
#include <slotd/fault.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DISK_FULL_EVERY SECONDS(3600) /* a full disk is met again and again */

enum {
	STORE_MAX = 256 * 1024, /* then it is written anew, with what is not delivered */
};

struct queue {
	struct queue *next;
	struct supervisor *sup;
	char name[LEDGER_NAME_MAX]; /* of the service; "": of programs that belong to none */
	VEC(struct notice) list;
	struct notice_pace pace;
	struct loop_timer timer;
	struct notice_run delivery, test;
	uint32_t tester; /* id of the request for the test; 0: nobody waits for it */
	int store;	 /* memfd, -EBADF: none */
	usec_t disk_full;
};

struct notices {
	struct queue *queues;
	uint64_t last_id;
};

static void look(struct queue *q);

static struct notice_terms terms_of(const struct queue *q)
{
	return notice_terms_for(q->sup, q->name);
}

bool notice_queue_wants(const struct supervisor *sup, const char *name, enum notice_event event)
{
	const struct notice_terms t = notice_terms_for(sup, name);

	return t.command && notice_wanted(event, t.on) && sup->mood == MOOD_RUNNING;
}

/* ---- queues ---- */

static struct notices *notices_of(struct supervisor *sup)
{
	if (!sup->notices) {
		sup->notices = calloc(1, sizeof(struct notices));
	}
	return sup->notices;
}

static void on_timer(struct loop_timer *t)
{
	look(container_of(t, struct queue, timer));
}

static struct queue *find_queue(const struct supervisor *sup, const char *name)
{
	struct queue *q = sup->notices ? sup->notices->queues : NULL;

	while (q && strcmp(q->name, name) != 0) {
		q = q->next;
	}
	return q;
}

/* NULL: no memory. */
static struct queue *queue_of(struct supervisor *sup, const char *name)
{
	struct notices *all = notices_of(sup);
	struct queue *q = find_queue(sup, name);

	if (q || !all) {
		return q;
	}
	q = calloc(1, sizeof(*q));
	if (q) {
		q->sup = sup;
		q->store = -EBADF;
		(void)snprintf(q->name, sizeof(q->name), "%s", name);
		loop_timer_init(&q->timer, on_timer);
		q->next = all->queues;
		all->queues = q;
	}
	return q;
}

const char *notice_queue_label(const char *name)
{
	return *name ? name : "programs";
}

static const char *label(const struct queue *q)
{
	return notice_queue_label(q->name);
}

static void drop_first(struct queue *q)
{
	notice_store_delivered(q->store, q->list.at[0].id);
	notice_done(&q->list.at[0]);
	vec_remove(&q->list, 0);
	if (q->list.len == 0) {
		notice_store_clear(q->store);
	}
}

static void keep_queue(struct queue *q)
{
	char name[sizeof(KEEP_NOTICE_PREFIX) + LEDGER_NAME_MAX];

	(void)snprintf(name, sizeof(name), KEEP_NOTICE_PREFIX "%s", q->name);
	keep_put(q->sup, name,
		 (struct kept_fd[]){
			 {q->store, KEEP_TAG_LINES},
			 {child_running(&q->delivery.child) ? q->delivery.child.pidfd : -EBADF,
			  KEEP_TAG_PIDFD},
			 {child_running(&q->test.child) ? q->test.child.pidfd : -EBADF,
			  KEEP_TAG_TEST}},
		 3);
}

/* slotd-keep has the old one until it gets the new one, in which all is already. */
static void renew_store(struct queue *q)
{
	const int fd = memfd_create("slotd-notices", MFD_CLOEXEC);

	if (fd < 0) {
		log_line(LOG_WARNING, "notices of %s may not outlive slotd: %s", label(q),
			 strerror(errno));
		return;
	}
	vec_for_each (n, &q->list) {
		notice_store_add(fd, n);
	}
	cleanup_closep(&q->store);
	q->store = fd;
	keep_queue(q);
}

/* It only grows while there is always one that waits. */
static void prepare_store(struct queue *q)
{
	if (q->store < 0 || notice_store_size(q->store) > STORE_MAX) {
		renew_store(q);
	}
}

/* ---- one after the other ---- */

static void ended(struct queue *q, bool well, const char *how)
{
	const struct notice *n = &q->list.at[0];
	char span[USEC_TEXT_MAX];
	const usec_t now = usec_monotonic();

	switch (notice_ended(&q->pace, well, now)) {
	case NOTICE_AGAIN:
		log_line(LOG_WARNING, "%s: notify, %s: %s; again in %s", label(q),
			 notice_name(n->event), how,
			 usec_format(usec_sub(q->pace.next, now), span, sizeof(span)));
		break;
	case NOTICE_GIVEN_UP:
		log_line(LOG_ERR, "%s: notify, %s: %s; given up after %d times. It was: %s",
			 label(q), notice_name(n->event), how, NOTICE_TRIES, n->text);
		drop_first(q);
		break;
	case NOTICE_DELIVERED:
		log_line(LOG_DEBUG, "%s: notify, %s: delivered", label(q), notice_name(n->event));
		drop_first(q);
		break;
	}
	look(q);
}

static void on_done(struct child *c, const struct child_result *result)
{
	struct queue *q = container_of(c, struct queue, delivery.child);
	char how[NOTICE_OUTCOME_MAX];
	const bool well = notice_run_outcome(&q->delivery, result, how, sizeof(how));

	keep_queue(q);
	if (q->list.len) { /* else the service is gone */
		ended(q, well, how);
	}
}

static void on_made(struct child *c)
{
	keep_queue(container_of(c, struct queue, delivery.child));
}

/* Nobody is told any more: the configuration has changed meanwhile. */
static void drop_all(struct queue *q)
{
	while (q->list.len) {
		drop_first(q);
	}
	q->pace = (struct notice_pace){0};
}

static void look(struct queue *q)
{
	int r;

	if (q->list.len && !terms_of(q).command && !child_running(&q->delivery.child)) {
		drop_all(q);
	}
	if (!q->list.len || child_running(&q->delivery.child) || q->sup->mood != MOOD_RUNNING) {
		return;
	}
	if (q->pace.next > usec_monotonic()) {
		loop_timer_set(q->sup->loop, &q->timer, q->pace.next);
		return;
	}
	r = notice_run_start(q->sup, q->name, &q->delivery, &q->list.at[0], on_done, on_made);
	if (r < 0) {
		ended(q, false,
		      r == -ESRCH ? "nobody knows any more as which user it should run"
				  : strerror(-r));
	}
}

/* The oldest goes, unless its command runs. */
static void make_room(struct queue *q)
{
	size_t oldest = child_running(&q->delivery.child) ? 1 : 0;

	log_line(LOG_ERR, "%s: notify: %d wait already; dropped the oldest: %s", label(q),
		 NOTICE_QUEUE_MAX, q->list.at[oldest].text);
	notice_store_delivered(q->store, q->list.at[oldest].id);
	notice_done(&q->list.at[oldest]);
	vec_remove(&q->list, oldest);
	q->pace = oldest ? q->pace : (struct notice_pace){0};
}

int notice_queue_add(struct supervisor *sup, const char *name, struct notice *n)
{
	struct queue *q = queue_of(sup, name);

	if (!q) {
		return -ENOMEM;
	}
	if (q->list.len == NOTICE_QUEUE_MAX) {
		make_room(q);
	}
	prepare_store(q);
	if (vec_push(&q->list, *n) < 0) {
		return -ENOMEM;
	}
	notice_store_add(q->store, n);
	*n = (struct notice){0};
	look(q);
	return 0;
}

uint64_t notice_queues_next_id(struct supervisor *sup)
{
	struct notices *all = notices_of(sup);

	if (!all) {
		return notice_next_id(0);
	}
	all->last_id = notice_next_id(all->last_id);
	return all->last_id;
}

bool notice_queue_disk_is_news(struct supervisor *sup, const char *name)
{
	struct queue *q = queue_of(sup, name);
	const usec_t now = usec_monotonic();

	if (!q || (q->disk_full && usec_sub(now, q->disk_full) < DISK_FULL_EVERY)) {
		return false;
	}
	q->disk_full = now;
	return true;
}

/* ---- a test ---- */

static void on_tested(struct child *c, const struct child_result *result)
{
	struct queue *q = container_of(c, struct queue, test.child);
	char how[NOTICE_OUTCOME_MAX], text[NOTICE_OUTCOME_MAX + LEDGER_NAME_MAX + 64];
	const bool well = notice_run_outcome(&q->test, result, how, sizeof(how));

	(void)snprintf(text, sizeof(text), "%s: the notify command %s: %s", q->name,
		       well ? "was told" : "failed", how);
	answer(q->sup, q->tester, well ? FAULT_SUCCESS : FAULT_FAILED, text);
	q->tester = 0;
	keep_queue(q);
}

static void on_test_made(struct child *c)
{
	keep_queue(container_of(c, struct queue, test.child));
}

int notice_queue_test(struct supervisor *sup, const char *name, const struct notice *n, uint32_t id,
		      struct diag *diag)
{
	struct queue *q = queue_of(sup, name);
	int r;

	if (!q) {
		return diag_set_errno(diag, -ENOMEM, "%s", name);
	}
	if (!terms_of(q).command) {
		return diag_set(diag, -EINVAL,
				"%s: there is no notify= in [service:%s] nor in [slotd]", name,
				name);
	}
	if (child_running(&q->test.child)) {
		return diag_set(diag, -EBUSY, "%s: another test is running", name);
	}
	r = notice_run_start(sup, q->name, &q->test, n, on_tested, on_test_made);
	if (r < 0) {
		return diag_set_errno(diag, r, "%s: the notify command cannot be run", name);
	}
	q->tester = id;
	return 0;
}

/* ---- from one slotd to the next ---- */

static void end_former(struct queue *q, struct inherited *item, const char *tag, const char *then)
{
	const pid_t pid = inherited_kill(item, tag);

	if (pid) {
		log_line(LOG_WARNING,
			 "%s: ending a notify command (pid %d) of a slotd that was killed%s",
			 label(q), (int)pid, then);
	}
}

static void restored(void *data, struct notice *n)
{
	struct queue *q = data;

	if (q->list.len < NOTICE_QUEUE_MAX && vec_push(&q->list, *n) == 0) {
		*n = (struct notice){0};
	} else {
		log_line(LOG_ERR, "%s: notify: no room; dropped: %s", label(q), n->text);
	}
}

void notice_queues_resume(struct supervisor *sup)
{
	const char *name;
	struct inherited *item;
	size_t pos = 0;

	while ((item = inherited_next(sup, &pos, &name))) {
		const size_t len = strlen(KEEP_NOTICE_PREFIX);
		struct queue *q = strncmp(name, KEEP_NOTICE_PREFIX, len) == 0
					  ? queue_of(sup, name + len)
					  : NULL;

		if (!q) {
			continue;
		}
		end_former(q, item, KEEP_TAG_PIDFD, "; it is run again");
		end_former(q, item, KEEP_TAG_TEST, ", which was a test");
		q->store = inherited_take(item, KEEP_TAG_LINES);
		notice_store_each(q->store, restored, q);
		if (q->list.len) {
			log_line(LOG_NOTICE,
				 "%s: notify: %zu of before the restart are delivered now",
				 label(q), q->list.len);
		}
		keep_queue(q);
		look(q);
	}
}

static void say_undelivered(const struct queue *q, const char *why)
{
	vec_for_each (n, &q->list) {
		log_line(LOG_WARNING, "%s: notify: not delivered, %s: %s", label(q), why, n->text);
	}
}

static void end_test(struct queue *q, const char *why)
{
	char text[LEDGER_NAME_MAX + 128];

	if (child_running(&q->test.child)) {
		child_abandon(&q->test.child);
		(void)snprintf(text, sizeof(text), "%s: the test was ended, %s", q->name, why);
		answer(q->sup, q->tester, FAULT_FAILED, text);
		q->tester = 0;
	}
}

static void empty(struct queue *q, const char *why)
{
	say_undelivered(q, why);
	end_test(q, why);
	child_abandon(&q->delivery.child);
	loop_timer_stop(q->sup->loop, &q->timer);
	drop_all(q);
	vec_done(&q->list);
	cleanup_closep(&q->store);
	keep_queue(q);
}

void notice_queue_service_gone(struct service *s)
{
	struct queue *q = find_queue(s->sup, s->name);

	if (q) {
		empty(q, s->sup->mood == MOOD_RUNNING ? "because the service is removed"
						      : "because slotd ends");
	}
}

void notice_queues_forget(struct supervisor *sup)
{
	for (struct queue *q = sup->notices ? sup->notices->queues : NULL; q; q = q->next) {
		q->tester = 0;
	}
}

void notice_queues_done(struct supervisor *sup)
{
	while (sup->notices && sup->notices->queues) {
		struct queue *q = sup->notices->queues;

		sup->notices->queues = q->next;
		empty(q, "because slotd ends");
		free(q);
	}
	free(sup->notices);
	sup->notices = NULL;
}
