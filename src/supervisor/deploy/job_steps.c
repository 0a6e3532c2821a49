#include "deploy/job_steps.h"
#include "deploy/job_log.h"
#include "deploy/records.h"
#include "service/handoff_ops.h"
#include "service/observers.h"
#include "service/service.h"
#include "service/slots.h"
#include "worker/process.h"

#include <slotd/cleanup.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* How long a job waits for the drain, to tell how it went. It goes on without being watched. */
#define DRAIN_WATCHED SECONDS(10)

static void commit(const struct job *j)
{
	struct ledger_job row = {
		.number = j->number,
		.kind = j->kind,
		.from = j->from,
		.to = j->to,
		.step = j->step,
		.at = j->at,
		.total = j->total,
		.prepared = j->prepared,
		.closing = j->service->closing == j,
		.began_wall = j->began_wall,
		.began = j->began,
		.step_began = j->step_began,
		.draining = j->draining,
	};

	memcpy(row.who, j->who, sizeof(row.who));
	memcpy(row.release, j->release, sizeof(row.release));
	ledger_put_job(j->sup->ledger, j->service->index, &row);
}

void job_changed(struct job *j)
{
	j->dirty = true;
	if (j->service && (j->service->job == j || j->service->closing == j)) {
		commit(j);
	}
	if (j->service) {
		service_changed(j->service);
	}
}

void job_line(struct job *j, const char *fmt, ...)
{
	char text[PLAN_TEXT_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	job_log_add(&j->log, j->step, text);
	job_changed(j);
}

static void indented(void *data, const char *text)
{
	job_line(data, "             | %s", text);
}

void job_output(struct job *j, const char *data, size_t len)
{
	job_log_feed(&j->log, data, len, indented, j);
}

/* ---- numbering steps for people: "3/6" ---- */

static bool is_shown(const struct job *j, enum swap_step step)
{
	switch (step) {
	case SWAP_PREPARE:
	case SWAP_START:
	case SWAP_GATE:
	case SWAP_FLIP:
		return true;
	case SWAP_BAKE:
		return j->service && j->service->policy.bake > 0;
	default:
		return false;
	}
}

unsigned job_count_steps(const struct job *j, bool warm)
{
	const struct swap_policy *p = &j->service->policy;
	unsigned n = 2; /* swap, drain */

	n += warm ? 0 : 2; /* start, gate */
	n += p->has_prepare && j->kind == SWAP_KIND_DEPLOY;
	return n + (p->bake > 0);
}

/* ---- steps ---- */

void job_stepped(struct service *s, const struct plan_action *a)
{
	struct job *j = s->job;
	enum swap_step from = (enum swap_step)a->from;
	usec_t now = usec_monotonic();
	struct handoff_load load;
	char span[USEC_TEXT_MAX];

	if (from == SWAP_WAIT) {
		job_line(j, "    wait     ok  %s  %s",
			 usec_format(usec_sub(now, j->step_began), span, sizeof(span)), a->text);
	} else if (from == SWAP_FLIP) {
		job_line(j, "%u/%u %-8s %s", ++j->at, j->total, swap_step_name(from), a->text);
		s->sup->handoff->load(s, j->from, &load);
		j->draining = handoff_load_total(&load);
	} else if (is_shown(j, from)) {
		job_line(j, "%u/%u %-8s ok  %s  %s", ++j->at, j->total, swap_step_name(from),
			 usec_format(usec_sub(now, j->step_began), span, sizeof(span)), a->text);
	}
	j->step = (enum swap_step)a->arg;
	j->step_began = now;
	j->prepared = j->prepared || j->step == SWAP_PREPARE;
	if (is_shown(j, j->step)) {
		service_say(s, LOG_INFO, "%s #%u: %s", swap_kind_name(j->kind), j->number,
			    swap_step_name(j->step));
	}
	job_changed(j);
}

/* ---- the end ---- */

static char *history_line(const struct job *j)
{
	json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:f, s:i, s:s}", "job",
			      (int)j->number, "service", j->name, "kind", swap_kind_name(j->kind),
			      "who", j->who, "from", slot_name(j->from), "to", slot_name(j->to),
			      "release", j->release, "began", (json_int_t)(j->began_wall / 1000000),
			      "took", (double)usec_sub(usec_monotonic(), j->began) / 1e6, "code",
			      j->code, "text", j->text);
	char *dump, *text = NULL;

	if (o && j->failed_in != SWAP_NONE) {
		(void)json_object_set_new(o, "step", json_string(swap_step_name(j->failed_in)));
		(void)json_object_set_new(o, "why", json_string(j->why));
		(void)json_object_set_new(o, "worker", json_string(j->culprit));
	}
	dump = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (dump && asprintf(&text, "%s\n", dump) < 0) {
		text = NULL;
	}
	free(dump);
	json_decref(o);
	return text;
}

void job_close(struct job *j)
{
	char *text;

	if (j->done) {
		return;
	}
	j->done = true;
	if (j->service && (!j->service->job || j->service->job == j)) {
		ledger_drop(j->sup->ledger, LEDGER_TABLE_JOB, j->service->index);
	}
	text = history_line(j);
	if (text) {
		records_history(j->sup, text);
	}
	job_changed(j);
}

static const char *after_drain(const struct service *s, char *buf, size_t size)
{
	char span[USEC_TEXT_MAX];

	if (s->policy.idle_keep && !s->policy.drain_by_worker) {
		(void)snprintf(buf, size, "stays warm for %s",
			       usec_format(s->policy.idle_keep, span, sizeof(span)));
	} else {
		(void)snprintf(buf, size, "stops");
	}
	return buf;
}

void job_drained(struct service *s, const char *how)
{
	struct job *j = s->closing;
	struct handoff_load load;
	char rest[64];

	if (!j) {
		return;
	}
	s->closing = NULL;
	loop_timer_stop(s->sup->loop, &j->drain_timer);
	s->sup->handoff->load(s, j->from, &load);
	job_line(j, "%u/%u %-8s %llu -> %llu%s%s; %s %s. Back: slotctl rollback %s", j->total,
		 j->total, "drain", (unsigned long long)j->draining,
		 (unsigned long long)handoff_load_total(&load), *how ? ", " : "", how,
		 slot_name(j->from), after_drain(s, rest, sizeof(rest)), j->name);
	job_close(j);
}

static void on_drain_timer(struct loop_timer *t)
{
	struct job *j = container_of(t, struct job, drain_timer);

	if (j->service) {
		job_drained(j->service, "goes on in the background");
	}
}

static void succeeded(struct service *s, struct job *j, const struct plan_action *a)
{
	char slot[JOB_NAME_MAX + 8];

	if (is_shown(j, (enum swap_step)a->from)) {
		job_line(j, "%u/%u %-8s ok  %s", ++j->at, j->total,
			 swap_step_name((enum swap_step)a->from), a->text);
	}
	(void)snprintf(j->text, sizeof(j->text), "%s is live.%s%s",
		       service_slot_text(s, j->to, slot, sizeof(slot)), *a->text ? " " : "",
		       a->text);
	service_say(s, LOG_NOTICE, "%s #%u: %s", swap_kind_name(j->kind), j->number, j->text);
	s->closing = j;
	if (slot_is_draining(s, j->from)) {
		loop_timer_set(s->sup->loop, &j->drain_timer,
			       usec_add(usec_monotonic(), DRAIN_WATCHED));
	} else {
		job_drained(s, "");
	}
}

static void on_tail(struct child *c, const char *data, size_t len)
{
	job_output(container_of(c, struct job, tail), data, len);
}

static void on_tail_done(struct child *c, const struct child_result *result)
{
	struct job *j = container_of(c, struct job, tail);

	(void)result;
	job_output(j, "", 0);
	job_close(j);
}

/* What the worker that failed printed last; its log may be on a slow disk. */
static bool show_tail(struct job *j, const struct process *culprit)
{
	struct job_tail tail = {{culprit->log_paths[1], culprit->log_paths[0]}};
	struct child_spec spec = CHILD_SPEC_INIT;

	spec.spawn.run = job_tail_print;
	spec.spawn.data = &tail;
	spec.timeout = SECONDS(2);
	spec.output = on_tail;
	spec.done = on_tail_done;
	return child_run(&j->sup->children, &j->tail, &spec) == 0;
}

static void failed(struct service *s, struct job *j, const struct plan_action *a)
{
	char slot[JOB_NAME_MAX + 8], span[USEC_TEXT_MAX];
	size_t first = strcspn(a->text, "\n");

	job_line(j, "%u/%u %-8s FAILED  %s  %.*s", j->at + 1, j->total,
		 swap_step_name((enum swap_step)a->from),
		 usec_format(usec_sub(usec_monotonic(), j->step_began), span, sizeof(span)),
		 (int)first, a->text);
	if (a->text[first]) {
		job_output(j, a->text + first + 1, strlen(a->text + first + 1));
		job_output(j, "", 0);
	}
	(void)snprintf(j->text, sizeof(j->text), "NOTHING SWAPPED: %s is live.%s",
		       service_slot_text(s, j->from, slot, sizeof(slot)),
		       j->prepared ? " prepare did run: its migrations are not undone." : "");
	service_say(s, LOG_ERR, "%s #%u failed in %s: %.*s. %s", swap_kind_name(j->kind), j->number,
		    swap_step_name((enum swap_step)a->from), (int)first, a->text, j->text);
	j->failed_in = (enum swap_step)a->from;
	(void)snprintf(j->why, sizeof(j->why), "%.*s", (int)first, a->text);
	(void)snprintf(j->culprit, sizeof(j->culprit), "%s",
		       s->culprit ? s->culprit->config->name : "");
	if (!s->culprit || !show_tail(j, s->culprit)) {
		job_close(j);
	}
	s->culprit = NULL;
}

void job_finished(struct service *s, const struct plan_action *a)
{
	struct job *j = s->job;

	s->job = NULL;
	j->code = a->arg;
	if (a->arg == SWAP_EXIT_DONE) {
		succeeded(s, j, a);
	} else {
		failed(s, j, a);
	}
	j->step = SWAP_NONE;
	job_changed(j);
}

void job_steps_init(struct job *j)
{
	loop_timer_init(&j->drain_timer, on_drain_timer);
}
