#include "deploy/jobs.h"
#include "deploy/hooks.h"
#include "deploy/job_checks.h"
#include "deploy/job_files.h"
#include "deploy/job_log.h"
#include "deploy/job_steps.h"
#include "deploy/records.h"
#include "deploy/releases.h"
#include "deploy/request.h"
#include "deploy/service_swap.h"
#include "link/helpers.h"
#include "service/observers.h"
#include "service/service.h"

#include <slotd/cleanup.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
	JOBS_KEPT = 32, /* over all services: who follows one may come late */
};

struct jobs {
	VEC(struct job *) all; /* oldest first */
};

/* ---- words ---- */

struct job *job_find(struct supervisor *sup, const char *service, uint64_t number)
{
	struct jobs *jobs = sup->jobs;

	if (!jobs) {
		return NULL;
	}
	vec_for_each (j, &jobs->all) {
		if ((*j)->number == number && strcmp((*j)->name, service) == 0) {
			return *j;
		}
	}
	return NULL;
}

const char *job_log_find(struct supervisor *sup, const char *service, uint64_t number, char *buf,
			 size_t size)
{
	const struct job *j = job_find(sup, service, number);

	return j ? job_log_path(j, buf, size) : NULL;
}

const char *job_describe(const struct job *j, char *buf, size_t size)
{
	char span[USEC_TEXT_MAX];

	(void)snprintf(buf, size,
		       "%s: %s #%u by %s is in \"%s\" for %s. Follow: slotctl attach %s. Stop: "
		       "slotctl abort %s",
		       j->name, swap_kind_name(j->kind), j->number, j->who, swap_step_name(j->step),
		       usec_format(usec_sub(usec_monotonic(), j->step_began), span, sizeof(span)),
		       j->name, j->name);
	return buf;
}

/* ---- beginning ---- */

static struct jobs *jobs_of(struct supervisor *sup)
{
	if (!sup->jobs) {
		sup->jobs = calloc(1, sizeof(struct jobs));
	}
	return sup->jobs;
}

static void job_free(struct job *j)
{
	child_abandon(&j->tail);
	child_abandon(&j->tidy);
	loop_timer_stop(j->sup->loop, &j->patience);
	if (j->service && j->service->closing == j) {
		j->service->closing = NULL;
	}
	job_log_done(&j->log);
	free(j);
}

/* ---- to slotd-control ---- */

static int send_state(const struct job *j, struct helper *control)
{
	struct message m;

	message_init(&m, MSG_JOB, 0);
	message_put_u64(&m, TAG_JOB, j->number);
	message_put_text(&m, TAG_SERVICE, j->name);
	message_put_u64(&m, TAG_KIND, j->kind);
	message_put_u64(&m, TAG_STEP, j->step);
	message_put_text(&m, TAG_WHO, j->who);
	message_put_text(&m, TAG_RELEASE, j->release);
	message_put_u64(&m, TAG_DONE, j->ended);
	message_put_u64(&m, TAG_STOPPED, j->ended_wall);
	message_put_i64(&m, TAG_CODE, j->code);
	message_put_text(&m, TAG_TEXT, j->ended ? j->text : "");
	return helper_send(control, &m);
}

static int tell(struct job *j, struct helper *control)
{
	int r = j->dirty ? send_state(j, control) : 0;

	if (r == 0) {
		j->dirty = false;
	}
	return r;
}

/* ---- its log ---- */

/* slotd-control may not have a service to send it with any more. */
static void tell_end(struct job *j)
{
	struct helper *control = helper_of(j->sup, HELPER_CONTROL);

	loop_timer_stop(j->sup->loop, &j->patience);
	j->ended = true;
	job_changed(j);
	if (!j->service && control && channel_open(&control->channel)) {
		helper_missed(control, tell(j, control), false);
	}
}

static void on_patience(struct loop_timer *t)
{
	tell_end(container_of(t, struct job, patience));
}

static void on_log_written(struct job_log *log)
{
	struct job *j = container_of(log, struct job, log);

	if (j->service && j->service->job == j) {
		hooks_written(j->service);
	}
	if (j->done && !j->ended && !job_log_open_still(log)) {
		tell_end(j);
	}
}

/* A log that is in the way is written on. */
static void begin_log(struct job *j, const char *why)
{
	if (why) {
		log_line(LOG_WARNING, "%s: logs of former jobs stay in %s: %s", j->name,
			 j->sup->config->supervisord.log_dir, why);
	}
	job_log_begin(&j->log);
}

static void on_tidied(struct child *c, const struct child_result *result)
{
	begin_log(container_of(c, struct job, tidy), result->timed_out ? "the disk does not answer"
						     : result->status
							     ? "they cannot be looked through"
							     : NULL);
}

static void say_no_log(const struct job *j, int error)
{
	service_say(j->service, LOG_ERR, "%s #%u has no log: %s", swap_kind_name(j->kind),
		    j->number, strerror(-error));
}

void job_adopt_log(struct job *j)
{
	char path[PATH_MAX];
	int r = job_log_adopt(&j->log, j->sup, j->name, j->number,
			      job_log_path(j, path, sizeof(path)), on_log_written);

	if (r < 0) {
		say_no_log(j, r);
	}
}

void jobs_await_logs(struct supervisor *sup)
{
	struct jobs *jobs = sup->jobs;
	char path[PATH_MAX];

	if (!jobs) {
		return;
	}
	vec_for_each (at, &jobs->all) {
		struct job *j = *at;

		if (j->ended &&
		    job_log_adopt_rest(&j->log, sup, j->name, j->number,
				       job_log_path(j, path, sizeof(path)), on_log_written)) {
			j->ended = false;
			job_end_log(j);
		}
	}
}

static void open_log(struct job *j)
{
	struct job_tidy tidy = {
		.dir = j->sup->config->supervisord.log_dir,
		.service = j->name,
		.number = j->number,
	};
	struct child_spec spec = CHILD_SPEC_INIT;
	char path[PATH_MAX];
	int r = job_log_open(&j->log, j->sup, j->name, j->number,
			     job_log_path(j, path, sizeof(path)), on_log_written);

	if (r < 0) {
		say_no_log(j, r);
	}
	(void)snprintf(tidy.results, sizeof(tidy.results), "%s/results",
		       j->sup->config->supervisord.run_dir);
	spec.spawn.run = job_tidy;
	spec.spawn.data = &tidy;
	spec.timeout = JOB_LOG_PATIENCE;
	spec.done = on_tidied;
	r = child_run(&j->sup->children, &j->tidy, &spec);
	if (r < 0) {
		begin_log(j, strerror(-r));
	}
}

static void drop_oldest(struct jobs *jobs)
{
	for (size_t i = 0; jobs->all.len > JOBS_KEPT && i < jobs->all.len; i++) {
		if (jobs->all.at[i]->done) {
			job_free(jobs->all.at[i]);
			vec_remove(&jobs->all, i);
			return;
		}
	}
}

static struct job *add(struct supervisor *sup)
{
	struct jobs *jobs = jobs_of(sup);
	struct job *j = jobs ? calloc(1, sizeof(*j)) : NULL;

	if (!j || vec_push(&jobs->all, j) < 0) {
		free(j);
		return NULL;
	}
	j->sup = sup;
	j->dirty = true;
	loop_timer_init(&j->patience, on_patience);
	return j;
}

struct job *job_former(struct supervisor *sup)
{
	struct job *j = add(sup);

	if (j) {
		j->done = j->ended = true;
		drop_oldest(sup->jobs);
	}
	return j;
}

static int make(struct service *s, const struct job_request *req, struct job **ret)
{
	struct job *j = add(s->sup);

	if (!j) {
		return -ENOMEM;
	}
	j->service = s;
	j->kind = req->kind;
	j->from = service_live(s);
	j->to = req->kind == SWAP_KIND_RESTART ? j->from : slot_other(j->from);
	j->began = j->step_began = usec_monotonic();
	j->began_wall = usec_wall();
	(void)snprintf(j->name, sizeof(j->name), "%s", s->name);
	(void)snprintf(j->who, sizeof(j->who), "%s", req->who ? req->who : "?");
	(void)snprintf(j->release, sizeof(j->release), "%s",
		       request_has_release(req)	       ? req->release
		       : req->kind != SWAP_KIND_DEPLOY ? s->slots[j->to].release
						       : "");
	j->number = records_next_job(s->sup);
	open_log(j);
	drop_oldest(s->sup->jobs);
	*ret = j;
	return 0;
}

static void announce(struct job *j)
{
	const char *old = j->service->slots[j->from].release;
	char slot[JOB_NAME_MAX + 8];

	if (j->kind == SWAP_KIND_RESTART) {
		(void)service_slot_text(j->service, j->from, slot, sizeof(slot));
		job_line(j, "#%u %s: rolling restart of %s, by %s", j->number, j->name, slot,
			 j->who);
		service_say(j->service, LOG_NOTICE, "%s #%u by %s: rolling, slot %s",
			    swap_kind_name(j->kind), j->number, j->who, slot);
		return;
	}
	job_line(j, "#%u %s: %s (%s%slive) -> %s%s%s%s, by %s", j->number, j->name,
		 slot_name(j->from), old, *old ? ", " : "", slot_name(j->to),
		 *j->release ? " (" : "", j->release, *j->release ? ")" : "", j->who);
	service_say(j->service, LOG_NOTICE, "%s #%u by %s: %s -> %s%s%s", swap_kind_name(j->kind),
		    j->number, j->who, slot_name(j->from), slot_name(j->to), *j->release ? " " : "",
		    j->release);
}

static void make_way(struct service *s, const struct job *next)
{
	char text[PLAN_TEXT_MAX];

	if (job_ends_bake(s, next->kind)) {
		(void)snprintf(text, sizeof(text), "rolled back by %s, #%u", next->who,
			       next->number);
		service_feed(s, DEPLOY_EV_ROLLED_BACK, 0, text);
	}
}

int job_begin(struct supervisor *sup, const struct job_request *req, struct diag *diag)
{
	struct service *s;
	struct begin begin;
	struct job *j;
	int r = request_service(sup, req, swap_kind_name(req->kind), &s, diag);

	if (r == 0) {
		r = job_may_begin(s, req, diag);
	}
	if (r < 0) {
		return r;
	}
	r = make(s, req, &j);
	if (r < 0) {
		return diag_set_errno(diag, r, "%s", s->name);
	}
	make_way(s, j);
	releases_stop(s); /* what is to be removed may be what this brings back */
	begin = job_begin_as(s, req);
	s->job = j;
	s->roll.forced = req->force;
	records_write_state(sup);
	announce(j);
	job_changed(j); /* whoever goes on with the first phase of it knows it */
	service_job_began(s, j);
	if (s->upkeep.offline) {
		job_line(j, "%s is offline, and stays so until: slotctl online %s", s->name,
			 s->name);
	}
	service_begin(s, &begin);
	return (int)j->number;
}

int job_abort(struct supervisor *sup, const struct job_request *req, struct diag *diag)
{
	struct service *s;
	char text[256];
	int r = request_service(sup, req, "abort", &s, diag);

	if (r < 0) {
		return r;
	}
	if (!s->job) {
		return diag_set(diag, -ENOENT, "%s: nothing is going on that could be aborted",
				s->name);
	}
	if (s->swap.step == SWAP_FLIP || s->swap.back ||
	    deploy_slot_in_use(&s->swap) == SLOT_INVALID_) {
		return diag_set(diag, -EALREADY,
				"%s: too late, %s is live. To go back: slotctl rollback %s",
				s->name, slot_name(s->swap.target), s->name);
	}
	if (s->swap.step == SWAP_SHARE) {
		return diag_set(diag, -EALREADY,
				"%s: too late, what became of the A/B test is being recorded. Once "
				"that is done: slotctl abort %s",
				s->name, s->name);
	}
	(void)snprintf(text, sizeof(text), "aborted by %s", req->who);
	service_feed(s, DEPLOY_EV_ABORT, 0, text);
	return 0;
}

/* ---- what a job needs is left alone ---- */

int service_may_change(const struct process *p, struct diag *diag)
{
	const struct service *s = p->service;
	char job[512];

	if (s && s->job && p->slot == deploy_slot_in_use(&s->swap)) {
		return diag_set(diag, -EBUSY, "%s", job_describe(s->job, job, sizeof(job)));
	}
	return 0;
}

/* ---- all of a service ---- */

static bool is_of(const struct job *j, const struct service *s)
{
	return j->service == s || (s && !j->service && strcmp(j->name, s->name) == 0);
}

int jobs_publish(struct supervisor *sup, const struct service *s, struct helper *control)
{
	int r = 0;

	if (!sup->jobs) {
		return 0;
	}
	vec_for_each (j, &sup->jobs->all) {
		r = r == 0 && is_of(*j, s) ? tell(*j, control) : r;
	}
	return r;
}

void jobs_tell_again(struct supervisor *sup)
{
	if (!sup->jobs) {
		return;
	}
	vec_for_each (j, &sup->jobs->all) {
		(*j)->dirty = true;
	}
}

void jobs_forget(struct service *s)
{
	struct jobs *jobs = s->sup->jobs;
	struct helper *control = helper_of(s->sup, HELPER_CONTROL);

	if (s->closing) {
		job_line(s->closing, "%s is removed", s->name);
	}
	s->job = s->closing = NULL;
	if (!jobs) {
		return;
	}
	vec_for_each (j, &jobs->all) {
		if ((*j)->service == s) {
			job_close(*j);
		}
	}
	if (control && channel_open(&control->channel)) {
		helper_missed(control, jobs_publish(s->sup, s, control), false);
	}
	vec_for_each (j, &jobs->all) {
		(*j)->service = (*j)->service == s ? NULL : (*j)->service;
	}
}

void jobs_done(struct supervisor *sup)
{
	struct jobs *jobs = sup->jobs;

	if (!jobs) {
		return;
	}
	vec_for_each (j, &jobs->all) {
		job_free(*j);
	}
	vec_done(&jobs->all);
	free(jobs);
	sup->jobs = NULL;
}
