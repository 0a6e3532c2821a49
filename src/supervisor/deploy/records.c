#include "deploy/records.h"
#include "deploy/job.h"
#include "deploy/live_watch.h"
#include "deploy/record_files.h"
#include "deploy/record_queue.h"
#include "deploy/record_text.h"
#include "deploy/unwritten.h"
#include "link/kept.h"
#include "service/observers.h"
#include "service/service.h"

#include <slotd/cleanup.h>
#include <slotd/json_read.h>
#include <slotd/ownname.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/**
 * One child writes at a time, and each writes the newest: so a record never overtakes a later
 * one. What waits is a list of requests; two of the same kind and service become one.
 */

#define RECORD_TIMEOUT SECONDS(30)
#define RETRY_AFTER    SECONDS(10)
#define LATE_MAX       1000 /* lines of the history that wait */

struct records {
	struct supervisor *sup;
	json_t *state; /* as last read or composed: services that are not configured now stay */
	uint32_t next_job;
	int unwritten;		      /* lines of the history */
	char damage[DIAG_TEXT_MAX];   /* why the state file is not read, and so never written */
	struct record_request *queue; /* head is being carried out while child runs */
	struct loop_idle start;	      /* of the head, once a turn has asked for all that it wants */
	struct record_request *late;  /* lines of the history that could not be written */
	struct loop_timer late_timer;
	struct child child;
	struct record_files files; /* of the child that runs */
	char said[512];		   /* by the child */
	size_t n_said;
	bool state_failed; /* which was logged */
	bool lines_failed; /* likewise */
};

static void next_request(struct records *r);

static const char *state_path(const struct supervisor *sup, const char *name, char *buf,
			      size_t size)
{
	(void)snprintf(buf, size, "%s/%s", sup->config->supervisord.state_dir, name);
	return buf;
}

/* ---- what is written ---- */

static bool copy(char **ret, const char *text)
{
	*ret = text ? strdup(text) : NULL;
	return *ret || !text;
}

static int compose_live(struct record_files *f, const struct service_config *c, enum slot_id live)
{
	f->live_text[0] = slot_name(live)[0];
	f->live_text[1] = '\n';
	if (!copy(&f->live_path, c->live_file) || !copy(&f->link_path, c->live_link) ||
	    !copy(&f->link_target, f->link_path ? c->slots[live].prepare_directory : NULL)) {
		return -ENOMEM;
	}
	return 0;
}

static int compose(struct records *r, struct record_request *q)
{
	struct record_files *f = &r->files;
	const struct service *s = q->service;
	char path[PATH_MAX];
	enum slot_id live;

	*f = (struct record_files){.commit = q->kind != RECORD_CHECK};
	if (q->kind == RECORD_HISTORY) {
		f->history_path = strdup(state_path(r->sup, "history", path, sizeof(path)));
		f->history_again = q->again;
		return copy(&f->history_line, q->line) && f->history_path ? 0 : -ENOMEM;
	}
	f->state_path = strdup(state_path(r->sup, "state.json", path, sizeof(path)));
	f->state_text =
		record_text(r->sup, r->state, r->next_job, q->kind == RECORD_CHECK ? s : NULL);
	if (!f->state_path || !f->state_text) {
		return -ENOMEM;
	}
	if (q->kind == RECORD_STATE) {
		return 0;
	}
	f->repair = q->kind == RECORD_REPAIR && !record_write_follows(q);
	if (q->kind == RECORD_CHECK && s->swap.step == SWAP_PRECHECK && s->config->min_free) {
		f->room_min = s->config->min_free;
		if (!copy(&f->room_path, s->config->slots[s->swap.target].prepare_directory)) {
			return -ENOMEM;
		}
	}
	live = q->kind == RECORD_CHECK ? s->swap.target : service_live(s);
	return compose_live(f, s->config, live);
}

/* ---- what came of it ---- */

static void on_record_timer(struct loop_timer *t)
{
	records_write(container_of(t, struct service, record_timer));
}

static void wrote(struct records *r, const struct record_request *q, int code, const char *text)
{
	struct service *s = q->service;
	char full[PLAN_TEXT_MAX];

	if (code < 0) {
		if (code == -ENOSPC && !s->unrecorded) {
			service_no_room(s, text);
		}
		s->unrecorded = true;
		service_explain(s, TROUBLE_RECORD, "%s", text);
		service_say(s, LOG_ERR, "%s",
			    service_trouble_text(s, TROUBLE_RECORD, full, sizeof(full)));
		loop_timer_set(r->sup->loop, &s->record_timer,
			       usec_add(usec_monotonic(), RETRY_AFTER));
	} else {
		loop_timer_stop(r->sup->loop, &s->record_timer);
		live_watch_renew(s);
		if (s->unrecorded) {
			s->unrecorded = false;
			service_say(s, LOG_NOTICE, "it is recorded now that %s is live",
				    slot_name(service_live(s)));
			service_settle_soon(s);
		}
		if (*text) {
			service_say(s, LOG_WARNING, "%s", text);
		}
	}
	if (q->for_swap) {
		service_step(s, DEPLOY_EV_RECORDED, code, code < 0 ? full : NULL);
	}
}

/* Its line is in the history: nobody has to write it any more. */
static void forget_job(struct supervisor *sup, const char *service)
{
	vec_for_each (s, &sup->services) {
		if (!(*s)->job && !(*s)->closing && strcmp((*s)->name, service) == 0) {
			ledger_drop(sup->ledger, LEDGER_TABLE_JOB, (*s)->index);
		}
	}
}

static void clear_unwritten(struct records *r)
{
	const struct record_request *q = r->queue;

	while (q && q->kind != RECORD_HISTORY) {
		q = q->next;
	}
	if (q || r->late) {
		return;
	}
	unwritten_clear(r->unwritten);
	if (r->lines_failed) {
		r->lines_failed = false;
		log_line(LOG_NOTICE, "%s: the lines of the history that waited are written",
			 r->sup->config->supervisord.state_dir);
	}
}

static void answer(struct records *r, const struct record_request *q, int code, const char *text)
{
	char full[PLAN_TEXT_MAX];

	switch (q->kind) {
	case RECORD_CHECK:
		(void)snprintf(full, sizeof(full), "%s%s",
			       code == -ENOSPC ? "" : "the record cannot be written: ", text);
		service_step(q->service, code < 0 ? DEPLOY_EV_RECORD_FAILED : DEPLOY_EV_RECORD_OK,
			     0, code < 0 ? full : NULL);
		break;
	case RECORD_WRITE:
	case RECORD_REPAIR:
		wrote(r, q, code, text);
		break;
	default:
		if (code < 0 && !(r->state_failed && q->kind == RECORD_STATE)) {
			log_line(LOG_ERR, "%s: %s", r->sup->config->supervisord.state_dir, text);
		}
		if (q->kind == RECORD_STATE) {
			r->state_failed = code < 0;
		}
		if (*q->done_with) {
			forget_job(r->sup, q->done_with);
		}
		if (q->kind == RECORD_HISTORY) {
			clear_unwritten(r);
		}
	}
}

/* The disk is full, say: the line waits for its next turn, as the record of a flip does. What
 * waited with it before would find no room either. */
static bool line_waits(struct records *r, struct record_request *q, const char *text)
{
	if (record_queue_length(r->late) >= LATE_MAX) {
		return false;
	}
	if (!r->lines_failed) {
		r->lines_failed = true;
		log_line(LOG_ERR, "%s: %s; lines of the history wait until they can be written",
			 r->sup->config->supervisord.state_dir, text);
	}
	if (!r->late) {
		loop_timer_set(r->sup->loop, &r->late_timer,
			       usec_add(usec_monotonic(), RETRY_AFTER));
	}
	q->again = true;
	record_queue_append(&r->late, q);
	record_queue_move_again(&r->queue, &r->late);
	return true;
}

/* Takes the head off before it is answered: an answer may ask for the next. */
static void finish(struct records *r, int code, const char *text)
{
	struct record_request *q = r->queue;

	r->queue = q->next;
	record_files_done(&r->files);
	if (code == 0 || q->kind != RECORD_HISTORY || !line_waits(r, q, text)) {
		answer(r, q, code, text);
		record_request_free(q);
	}
	next_request(r);
	if (!r->queue && r->sup->mood != MOOD_RUNNING) {
		loop_idle_queue(r->sup->loop, &r->sup->shutdown_idle);
	}
}

static void on_output(struct child *c, const char *data, size_t len)
{
	struct records *r = container_of(c, struct records, child);

	child_keep_output(r->said, sizeof(r->said), &r->n_said, data, len);
}

/* Should slotd die, the next one waits for it: an older record must not come after a newer. Only
 * then does it begin, so that there is none that nobody knows. */
static void on_made(struct child *c)
{
	keep_put_one(container_of(c, struct records, child)->sup, KEEP_RECORD, c->pidfd);
}

static void on_done(struct child *c, const struct child_result *result)
{
	struct records *r = container_of(c, struct records, child);
	int status = WIFEXITED(result->status) ? WEXITSTATUS(result->status) : -1;

	keep_drop(r->sup, KEEP_RECORD);
	if (result->timed_out) {
		(void)snprintf(r->said, sizeof(r->said), "the disk did not answer within 30 s");
	} else if (status != 0 && !*r->said) {
		(void)snprintf(r->said, sizeof(r->said), "the writing process was killed");
	}
	finish(r, status == 0 ? 0 : status == RECORD_NO_ROOM ? -ENOSPC : -EIO, r->said);
}

/* ---- the queue ---- */

static void begin(struct records *r)
{
	struct child_spec spec = CHILD_SPEC_INIT;
	int error = compose(r, r->queue);

	r->n_said = 0;
	r->said[0] = '\0';
	if (error == 0) {
		spec.spawn.run = record_files_write;
		spec.spawn.data = &r->files;
		spec.timeout = RECORD_TIMEOUT;
		spec.done = on_done;
		spec.output = on_output;
		spec.made = on_made;
		error = child_run(&r->sup->children, &r->child, &spec);
	}
	if (error < 0) {
		finish(r, error, strerror(-error));
	}
}

static void next_request(struct records *r)
{
	if (r->queue && !child_running(&r->child)) {
		begin(r);
	}
}

static void on_start(struct loop_idle *idle)
{
	next_request(container_of(idle, struct records, start));
}

static void push(struct supervisor *sup, enum record_kind kind, struct service *s, char *line)
{
	bool for_swap =
		kind == RECORD_WRITE && (s->swap.step == SWAP_RECORD || s->swap.step == SWAP_SHARE);
	struct records *r = sup->records;
	struct record_request **at = &r->queue, *q;

	if (*at && child_running(&r->child)) {
		at = &(*at)->next; /* the head is on its way: it does not know the newest */
	}
	for (; *at && !record_goes_ahead(kind, *at); at = &(*at)->next) {
		if (!line && (*at)->kind == kind && (*at)->service == s) {
			(*at)->for_swap = (*at)->for_swap || for_swap;
			return;
		}
	}
	q = *r->damage ? NULL : calloc(1, sizeof(*q));
	if (!q) {
		free(line);
		answer(r,
		       &(struct record_request){.kind = kind, .service = s, .for_swap = for_swap},
		       -ENOMEM, *r->damage ? r->damage : strerror(ENOMEM));
		return;
	}
	*q = (struct record_request){
		.next = *at, .kind = kind, .service = s, .for_swap = for_swap, .line = line};
	*at = q;
	loop_idle_queue(sup->loop, &r->start);
}

/* In their order, before newer ones; nobody waits for them. */
static void try_lines_again(struct records *r)
{
	struct record_request **at = &r->queue, *rest;

	if (*at && child_running(&r->child)) {
		at = &(*at)->next;
	}
	while (*at && (*at)->kind != RECORD_HISTORY) {
		at = &(*at)->next;
	}
	rest = *at;
	*at = TAKE_PTR(r->late);
	while (*at) {
		at = &(*at)->next;
	}
	*at = rest;
	loop_idle_queue(r->sup->loop, &r->start);
}

static void on_late_timer(struct loop_timer *t)
{
	try_lines_again(container_of(t, struct records, late_timer));
}

void records_check(struct service *s)
{
	push(s->sup, RECORD_CHECK, s, NULL);
}

void records_write(struct service *s)
{
	push(s->sup, RECORD_WRITE, s, NULL);
}

void records_repair(struct service *s)
{
	push(s->sup, RECORD_REPAIR, s, NULL);
}

void records_write_state(struct supervisor *sup)
{
	push(sup, RECORD_STATE, NULL, NULL);
}

void records_try_again(struct supervisor *sup)
{
	struct records *r = sup->records;

	if (r->late) {
		loop_timer_stop(sup->loop, &r->late_timer);
		try_lines_again(r);
	}
	vec_for_each (s, &sup->services) {
		if ((*s)->unrecorded) {
			records_write(*s);
		}
	}
}

bool records_busy(const struct supervisor *sup)
{
	return sup->records->queue != NULL;
}

void records_history_path(const struct supervisor *sup, char *buf, size_t size)
{
	(void)state_path(sup, "history", buf, size);
}

static void queue_line(struct supervisor *sup, char *line, const char *service)
{
	struct records *r = sup->records;

	push(sup, RECORD_HISTORY, NULL, line);
	for (struct record_request *q = r->queue; q && service; q = q->next) {
		if (q->kind == RECORD_HISTORY && !q->next && !*q->done_with) {
			(void)snprintf(q->done_with, sizeof(q->done_with), "%s", service);
		}
	}
}

void records_history(struct supervisor *sup, char *line, const char *service)
{
	unwritten_add(((struct records *)sup->records)->unwritten, line);
	queue_line(sup, line, service);
}

/* Is that among the last lines of the history, or to be written? */
static bool is_recorded(const struct supervisor *sup, const char *wanted)
{
	char path[PATH_MAX];

	records_history_path(sup, path, sizeof(path));
	return record_queue_has_line(sup->records->queue, wanted) ||
	       record_files_have_line(path, wanted);
}

bool records_have_job(const struct supervisor *sup, uint32_t number)
{
	char wanted[32];

	(void)snprintf(wanted, sizeof(wanted), "{\"job\":%u,", number);
	return is_recorded(sup, wanted);
}

int records_begin(struct service *s)
{
	loop_timer_init(&s->record_timer, on_record_timer);
	return 0;
}

void records_forget(struct service *s)
{
	struct records *r = s->sup->records;

	loop_timer_stop(s->sup->loop, &s->record_timer);
	for (struct record_request *q = r->queue; q; q = q->next) {
		if (q->service == s) {
			q->service = NULL;
			q->kind = RECORD_STATE;
		}
	}
}

uint32_t records_next_job(struct supervisor *sup)
{
	struct records *r = sup->records;

	return r->next_job++;
}

void records_reserve_job(struct supervisor *sup, uint32_t number)
{
	struct records *r = sup->records;

	if (r->next_job <= number) {
		r->next_job = number + 1;
	}
}

/* An outage has no number, and is known by its whole line. */
static void write_former(struct supervisor *sup, char *line)
{
	json_t *entry;
	int r = json_read(line, strlen(line), 0, NULL, &entry);
	json_int_t number = json_integer_value(json_object_get(entry, "job"));
	const char *service = json_string_value(json_object_get(entry, "service"));

	if (r == -ENOMEM) {
		log_line(LOG_ERR, "a line of the history is lost: %s: %s", strerror(ENOMEM), line);
	}

	if (number > 0 && number < INT32_MAX && !records_have_job(sup, (uint32_t)number)) {
		records_reserve_job(sup, (uint32_t)number);
		queue_line(sup, TAKE_PTR(line), service);
	} else if (service && !json_object_get(entry, "job") && !is_recorded(sup, line)) {
		queue_line(sup, TAKE_PTR(line), NULL);
	}
	free(line);
	json_decref(entry);
}

void records_leave_line(struct supervisor *sup, const char *line)
{
	unwritten_add(sup->records->unwritten, line);
}

void records_resume(struct supervisor *sup)
{
	struct records *r = sup->records;

	unwritten_each(sup, r->unwritten, write_former);
	clear_unwritten(r);
}

/* ---- at start ---- */

int records_init(struct supervisor *sup, struct diag *diag)
{
	struct records *r = calloc(1, sizeof(*r));
	char path[PATH_MAX];
	json_int_t next;
	int error;

	if (!r) {
		return diag_set_errno(diag, -ENOMEM, "records");
	}
	r->sup = sup;
	loop_idle_init(&r->start, on_start);
	sup->records = r;
	r->unwritten = unwritten_open(sup);
	if (r->unwritten < 0) {
		return diag_set_errno(diag, r->unwritten, "records");
	}
	unwritten_await(sup);
	loop_timer_init(&r->late_timer, on_late_timer);
	error = record_text_read(state_path(sup, "state.json", path, sizeof(path)), r->damage,
				 sizeof(r->damage), diag, &r->state);
	next = json_integer_value(json_object_get(r->state, "next_job"));
	r->next_job = next > 0 && next < INT32_MAX ? (uint32_t)next : 1;
	return error;
}

const json_t *records_state(const struct supervisor *sup, const char **ret_damage)
{
	*ret_damage = *sup->records->damage ? sup->records->damage : NULL;
	return sup->records->state;
}

void records_done(struct supervisor *sup)
{
	struct records *r = sup->records;

	if (!r) {
		return;
	}
	loop_idle_cancel(sup->loop, &r->start);
	child_abandon(&r->child);
	record_files_done(&r->files);
	loop_timer_stop(sup->loop, &r->late_timer);
	record_queue_drop(r->queue);
	record_queue_drop(r->late);
	json_decref(r->state);
	cleanup_closep(&r->unwritten);
	free(r);
	sup->records = NULL;
}
