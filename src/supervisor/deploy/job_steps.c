#include "deploy/job_steps.h"
#include "deploy/hooks.h"
#include "deploy/job_files.h"
#include "deploy/job_log.h"
#include "deploy/records.h"
#include "deploy/releases.h"
#include "deploy/roll.h"
#include "deploy/upkeep.h"
#include "service/handoff_ops.h"
#include "service/observers.h"
#include "service/service.h"
#include "worker/process.h"

#include <slotd/cleanup.h>
#include <slotd/utf8.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void commit(const struct job *j)
{
	struct ledger_job row = {
		.number = j->number,
		.kind = j->kind,
		.from = j->from,
		.to = j->to,
		.step = j->step,
		.total = j->total,
		.prepared = j->prepared,
		.back = j->back,
		.closing = j->service->closing == j,
		.began_wall = j->began_wall,
		.began = j->began,
		.step_began = j->step_began,
		.draining = j->draining,
		.cut = j->cut,
		.over = j->over,
		.code = j->code,
		.failed_in = j->failed_in,
	};

	memcpy(row.who, j->who, sizeof(row.who));
	memcpy(row.release, j->release, sizeof(row.release));
	memcpy(row.text, j->text, sizeof(row.text));
	memcpy(row.why, j->why, sizeof(row.why));
	memcpy(row.culprit, j->culprit, sizeof(row.culprit));
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

const char *job_log_path(const struct job *j, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/%s-%u.log", j->sup->config->supervisord.log_dir, j->name,
		       j->number);
	return buf;
}

void job_line(struct job *j, const char *fmt, ...)
{
	char text[PLAN_TEXT_MAX + 256];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (len = strlen(text); len && text[len - 1] == ' '; len--) {
		text[len - 1] = '\0'; /* a step of which nothing else is said */
	}
	job_log_line(&j->log, text);
}

void job_output(struct job *j, const char *data, size_t len)
{
	job_log_text(&j->log, data, len);
}

/* ---- steps ---- */

/* "3/6 gate    ", or "    wait    " for what has no number. */
static const char *heading(const struct job *j, const struct plan_action *a, char *buf, size_t size)
{
	char number[32] = "   ";

	if (a->position) {
		(void)snprintf(number, sizeof(number), "%u/%u", a->position, j->total);
	}
	(void)snprintf(buf, size, "%s %-8s", number, swap_step_name((enum swap_step)a->from));
	return buf;
}

static bool is_told(const struct plan_action *a)
{
	enum swap_step from = (enum swap_step)a->from;

	return a->position || from == SWAP_WAIT || from == SWAP_FLIP || from == SWAP_START ||
	       from == SWAP_GATE;
}

static void tell_end_of_step(struct service *s, struct job *j, const struct plan_action *a)
{
	char head[64], span[USEC_TEXT_MAX];
	struct handoff_load load;

	if (!is_told(a)) {
		return;
	}
	(void)heading(j, a, head, sizeof(head));
	if (a->from == SWAP_FLIP) {
		job_line(j, "%s %s%s%s", head, a->text, j->back ? ", back to " : "",
			 j->back ? slot_name(j->from) : "");
		s->sup->handoff->load(s, j->from, &load);
		j->draining = handoff_load_total(&load);
		return;
	}
	(void)usec_format(usec_sub(usec_monotonic(), j->step_began), span, sizeof(span));
	job_line(j, "%s %s  %s  %s", head, a->code ? "FAILED" : "ok", span, a->text);
	if (a->code) {
		service_say(s, LOG_WARNING, "%s #%u: %s failed: %s", swap_kind_name(j->kind),
			    j->number, swap_step_name((enum swap_step)a->from), a->text);
	}
}

static bool is_logged(enum swap_step step)
{
	return step == SWAP_PREPARE || step == SWAP_RELEASE || step == SWAP_START ||
	       step == SWAP_GATE || step == SWAP_VERIFY || step == SWAP_FLIP || step == SWAP_BAKE ||
	       step == SWAP_AFTER_SWAP || step == SWAP_ROLL || step == SWAP_CANARY;
}

void job_stepped(struct service *s, const struct plan_action *a)
{
	struct job *j = s->job;

	j->total = s->swap.total;
	tell_end_of_step(s, j, a);
	j->step = (enum swap_step)a->arg;
	j->step_began = usec_monotonic();
	j->prepared = j->prepared || j->step == SWAP_PREPARE;
	if (is_logged(j->step)) {
		service_say(s, LOG_INFO, "%s #%u: %s", swap_kind_name(j->kind), j->number,
			    swap_step_name(j->step));
	}
	job_changed(j);
}

/* ---- the end ---- */

/* Output of commands and workers is in its texts, cut anywhere. */
char *job_history_line(const struct job *j)
{
	char how[sizeof(j->text)], why[sizeof(j->why)];
	json_t *o;
	char *dump, *text = NULL;

	memcpy(how, j->text, sizeof(how));
	memcpy(why, j->why, sizeof(why));
	o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:f, s:i, s:s}", "job",
		      (int)j->number, "service", j->name, "kind", swap_kind_name(j->kind), "who",
		      j->who, "from", slot_name(j->from), "to", slot_name(j->to), "release",
		      j->release, "began", (json_int_t)(j->began_wall / 1000000), "took",
		      (double)usec_sub(usec_monotonic(), j->began) / 1e6, "code", j->code, "text",
		      utf8_mend(how));
	if (o && j->failed_in != SWAP_NONE) {
		(void)json_object_set_new(o, "step", json_string(swap_step_name(j->failed_in)));
		(void)json_object_set_new(o, "why", json_string(utf8_mend(why)));
		(void)json_object_set_new(o, "worker", json_string(j->culprit));
	}
	if (o && j->service && j->prepared && *j->service->slots[j->to].one_way) {
		(void)json_object_set_new(o, "one_way",
					  json_string(j->service->slots[j->to].one_way));
	}
	if (o && j->service && j->service->swap.until_gate) {
		(void)json_object_set_new(o, "until", json_string("gate"));
	}
	if (o && j->service && (j->service->swap.stands || j->service->swap.by_hand)) {
		(void)json_object_set_new(o, "share", json_integer(j->service->swap.share));
	}
	dump = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (dump && asprintf(&text, "%s\n", dump) < 0) {
		text = NULL;
	}
	free(dump);
	json_decref(o);
	return text;
}

void job_end_log(struct job *j)
{
	job_log_end(&j->log);
	if (!job_log_open_still(&j->log)) {
		j->ended = true;
	} else {
		loop_timer_set(j->sup->loop, &j->patience,
			       usec_add(usec_monotonic(), JOB_LOG_PATIENCE));
	}
}

void job_close(struct job *j)
{
	char *text;

	if (j->done) {
		return;
	}
	j->done = true;
	j->ended_wall = usec_wall();
	text = job_history_line(j);
	if (text) {
		/* Its row stays until the line is written: a killed slotd's successor writes it. */
		records_history(j->sup, text, j->service ? j->service->name : NULL);
	} else {
		log_line(LOG_ERR, "%s #%u is not in the history: out of memory",
			 swap_kind_name(j->kind), j->number);
	}
	job_end_log(j);
	job_changed(j);
}

static const char *after_drain(const struct service *s, char *buf, size_t size)
{
	usec_t keep = retire_keep(&s->policy);
	char span[USEC_TEXT_MAX];

	if (keep) {
		(void)snprintf(buf, size, "stays warm for %s",
			       usec_format(keep, span, sizeof(span)));
	} else {
		(void)snprintf(buf, size, "stops");
	}
	return buf;
}

void job_cut(struct service *s, enum slot_id slot, uint64_t n)
{
	struct job *j = s->closing ? s->closing : s->job;

	if (j && j->from == slot) {
		j->cut = n;
	}
}

void job_drained(struct service *s, const struct plan_action *a)
{
	struct job *j = s->closing;
	struct handoff_load load;
	char rest[64], cut[64] = "", back[LEDGER_NAME_MAX + 32];

	if (!j) {
		return;
	}
	s->closing = NULL;
	if (j->cut) {
		(void)snprintf(cut, sizeof(cut), ", %" PRIu64 " closed by slotd", j->cut);
	}
	s->sup->handoff->load(s, j->from, &load);
	if (*s->slots[service_live(s)].one_way) {
		(void)snprintf(back, sizeof(back), "There is no way back.");
	} else {
		(void)snprintf(back, sizeof(back), "Back: slotctl rollback %s", j->name);
	}
	job_line(j, "%u/%u %-8s %llu -> %llu%s%s%s; %s %s. %s", j->total, j->total, "drain",
		 (unsigned long long)j->draining, (unsigned long long)handoff_load_total(&load),
		 cut, *a->text ? ", " : "", a->text, slot_name(j->from),
		 after_drain(s, rest, sizeof(rest)), back);
	job_close(j);
}

static void made_ready(struct service *s, struct job *j)
{
	char slot[JOB_NAME_MAX + 8], live[JOB_NAME_MAX + 8];

	(void)snprintf(j->text, sizeof(j->text),
		       "%s has passed the gate and stays up; %s is live. To go on: slotctl swap %s",
		       service_slot_text(s, j->to, slot, sizeof(slot)),
		       service_slot_text(s, j->from, live, sizeof(live)), j->name);
	service_say(s, LOG_NOTICE, "%s #%u: %s", swap_kind_name(j->kind), j->number, j->text);
}

static void made_share(struct service *s, struct job *j)
{
	char slot[JOB_NAME_MAX + 8], live[JOB_NAME_MAX + 8], share[SHARE_TEXT_MAX];

	(void)service_slot_text(s, j->to, slot, sizeof(slot));
	(void)service_slot_text(s, j->from, live, sizeof(live));
	if (s->swap.share) {
		(void)snprintf(j->text, sizeof(j->text),
			       "%s gets %s of the new connections, %s the others. It ends by: "
			       "slotctl promote %s, or slotctl abort %s",
			       slot, share_format(s->swap.share, share), live, j->name, j->name);
	} else {
		(void)snprintf(j->text, sizeof(j->text), "The A/B test is over: %s is live.", live);
	}
	service_say(s, LOG_NOTICE, "%s #%u: %s", swap_kind_name(j->kind), j->number, j->text);
}

static void succeeded(struct service *s, struct job *j, const struct plan_action *a)
{
	char slot[JOB_NAME_MAX + 8];

	if (s->swap.until_gate) {
		made_ready(s, j);
		return;
	}
	if (s->swap.stands) {
		made_share(s, j);
		return;
	}
	(void)snprintf(j->text, sizeof(j->text), "%s is live.%s%s",
		       service_slot_text(s, j->to, slot, sizeof(slot)), *a->text ? " " : "",
		       a->text);
	service_say(s, LOG_NOTICE, "%s #%u: %s", swap_kind_name(j->kind), j->number, j->text);
	s->closing = j;
	upkeep_job_done(s, j->kind);
	if (j->prepared) {
		releases_prune(s, j->to);
	}
}

/* ---- failure ---- */

static void close_when_over(struct job *j)
{
	if (j->over && !child_running(&j->tail)) {
		job_close(j);
	}
}

static void on_tail(struct child *c, const char *data, size_t len)
{
	struct job *j = container_of(c, struct job, tail);

	if (len && !j->tail_said) {
		j->tail_said = true;
		job_line(j, "    %-8s last lines of %s:", swap_step_name(j->failed_in), j->culprit);
	}
	job_output(j, data, len);
}

static void on_tail_done(struct child *c, const struct child_result *result)
{
	struct job *j = container_of(c, struct job, tail);

	(void)result;
	job_output(j, "", 0);
	if (j->service && j->service->job == j) {
		hooks_written(j->service);
	}
	close_when_over(j);
}

/* What the worker that failed printed last; its log may be on a slow disk. */
static void show_tail(struct job *j, const struct process *culprit)
{
	struct job_tail tail = {{culprit->log_paths[1], culprit->log_paths[0]}};
	struct child_spec spec = CHILD_SPEC_INIT;

	j->tail_said = false;
	spec.spawn.run = job_tail_print;
	spec.spawn.data = &tail;
	spec.timeout = SECONDS(2);
	spec.output = on_tail;
	spec.done = on_tail_done;
	(void)child_run(&j->sup->children, &j->tail, &spec); /* without it there is less to read */
}

/* The line of the step that failed, what else is known, and for the history who and why. */
static void tell_failure(struct service *s, struct job *j, const struct plan_action *a)
{
	char head[64], span[USEC_TEXT_MAX];
	size_t first = strcspn(a->text, "\n");

	job_line(j, "%s FAILED  %s  %.*s", heading(j, a, head, sizeof(head)),
		 usec_format(usec_sub(usec_monotonic(), j->step_began), span, sizeof(span)),
		 (int)first, a->text);
	if (a->text[first]) {
		job_output(j, a->text + first + 1, strlen(a->text + first + 1));
		job_output(j, "", 0);
	}
	j->failed_in = (enum swap_step)a->from;
	(void)snprintf(j->why, sizeof(j->why), "%.*s", (int)first, a->text);
	(void)snprintf(j->culprit, sizeof(j->culprit), "%s",
		       s->culprit ? s->culprit->config->name : "");
	if (s->culprit && !child_running(&j->tail)) {
		show_tail(j, s->culprit);
	}
}

void job_turned_back(struct service *s, const struct plan_action *a)
{
	struct job *j = s->job;

	j->back = true;
	tell_failure(s, j, a);
	service_say(s, LOG_ERR, "%s #%u failed in %s: %s. Back to %s", swap_kind_name(j->kind),
		    j->number, swap_step_name(j->failed_in), j->why, slot_name(j->from));
}

static void say_stopped(const struct service *s, struct job *j)
{
	unsigned done, all;

	roll_numbers(s, &done, &all);
	(void)snprintf(
		j->text, sizeof(j->text),
		"RESTART STOPPED: %u of %u workers were restarted; the others run as before.", done,
		all);
}

/* The commands for that case follow, or what makes up for it; its outcome comes after them. */
void job_failing(struct service *s, const struct plan_action *a)
{
	struct job *j = s->job;

	if (!j->back) {
		tell_failure(s, j, a);
	} else if (*a->text) {
		job_line(j, "    %-8s FAILED  %s", swap_step_name((enum swap_step)a->from),
			 a->text);
	}
	j->step = s->swap.step;
	if (j->kind == SWAP_KIND_RESTART) {
		say_stopped(s, j); /* now, while it is known of each worker */
	}
	j->step_began = usec_monotonic();
	service_say(s, LOG_INFO, "%s #%u: %s", swap_kind_name(j->kind), j->number,
		    swap_step_name(j->step));
	job_changed(j);
}

/* How the commands for that case ended. What failed before them is told. */
static void tell_commands(struct service *s, struct job *j, const struct plan_action *a)
{
	char span[USEC_TEXT_MAX];

	(void)usec_format(usec_sub(usec_monotonic(), j->step_began), span, sizeof(span));
	job_line(j, "    %s %s  %s  %s", swap_step_name(j->step), a->code ? "FAILED" : "ok", span,
		 a->text);
	if (a->code) {
		service_say(s, LOG_WARNING, "%s #%u: %s failed: %s", swap_kind_name(j->kind),
			    j->number, swap_step_name(j->step), a->text);
	}
}

static void say_end(struct service *s, const struct job *j)
{
	service_say(s, LOG_ERR, "%s #%u failed in %s: %s. %s", swap_kind_name(j->kind), j->number,
		    swap_step_name(j->failed_in), j->why, j->text);
}

static bool is_told_already(const struct plan_action *a)
{
	return a->from == SWAP_ON_FAILURE || a->from == SWAP_SETTLE;
}

static void flipped_back(struct service *s, struct job *j, const struct plan_action *a)
{
	char slot[JOB_NAME_MAX + 8];

	if (j->back) {
		(void)snprintf(j->text, sizeof(j->text), "FLIPPED BACK: %s is live.%s%s",
			       service_slot_text(s, j->from, slot, sizeof(slot)),
			       *a->text && !is_told_already(a) ? " " : "",
			       is_told_already(a) ? "" : a->text);
	} else {
		tell_failure(s, j, a);
		(void)snprintf(j->text, sizeof(j->text), "ROLLED BACK: %s does not stay live.",
			       service_slot_text(s, j->to, slot, sizeof(slot)));
	}
	say_end(s, j);
}

static void failed(struct service *s, struct job *j, const struct plan_action *a)
{
	char slot[JOB_NAME_MAX + 8];

	if (j->back) {
		if (!is_told_already(a)) {
			job_line(j, "    %-8s FAILED  %s", swap_step_name((enum swap_step)a->from),
				 a->text);
		}
	} else if (!is_told_already(a)) {
		tell_failure(s, j, a);
	}
	if (service_live(s) == j->to) {
		const char *why = s->slots[j->to].one_way;

		(void)snprintf(j->text, sizeof(j->text), "NOT FLIPPED BACK: %s is live.%s%s",
			       service_slot_text(s, j->to, slot, sizeof(slot)),
			       *why ? " There is no way back: " : "", why);
	} else {
		(void)snprintf(j->text, sizeof(j->text), "NOTHING SWAPPED: %s is live.%s",
			       service_slot_text(s, j->from, slot, sizeof(slot)),
			       j->prepared ? " prepare did run: its migrations are not undone."
					   : "");
	}
	say_end(s, j);
}

/* A rolling restart: no slot was swapped, and none drains. */
static void restarted(struct service *s, struct job *j, const struct plan_action *a)
{
	unsigned done, all;

	if (a->arg == SWAP_EXIT_DONE) {
		roll_numbers(s, &done, &all);
		(void)snprintf(j->text, sizeof(j->text), "%u worker%s of slot %s %s restarted.",
			       done, done == 1 ? "" : "s", slot_name(j->from),
			       done == 1 ? "was" : "were");
		service_say(s, LOG_NOTICE, "%s #%u: %s", swap_kind_name(j->kind), j->number,
			    j->text);
		return;
	}
	if (!is_told_already(a)) {
		tell_failure(s, j, a);
		say_stopped(s, j);
	}
	say_end(s, j);
}

static void tell_outcome(struct service *s, struct job *j, const struct plan_action *a)
{
	if (j->kind == SWAP_KIND_RESTART) {
		restarted(s, j, a);
		return;
	}
	switch (a->arg) {
	case SWAP_EXIT_DONE:
		succeeded(s, j, a);
		break;
	case SWAP_EXIT_FLIPPED_BACK:
		flipped_back(s, j, a);
		break;
	default:
		failed(s, j, a);
	}
}

void job_finished(struct service *s, const struct plan_action *a)
{
	struct job *j = s->job;

	if (a->from == SWAP_ON_FAILURE) {
		tell_commands(s, j, a);
	}
	s->job = NULL;
	j->code = a->arg;
	tell_outcome(s, j, a);
	s->culprit = NULL;
	j->step = SWAP_NONE;
	if (a->position && a->arg == SWAP_EXIT_DONE) {
		tell_end_of_step(s, j, a);
	}
	j->over = a->arg != SWAP_EXIT_DONE || s->swap.until_gate || s->swap.stands ||
		  j->kind == SWAP_KIND_RESTART;
	commit(j);
	service_job_ended(s, j);
	close_when_over(j);
	job_changed(j);
}
