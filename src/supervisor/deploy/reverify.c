#include "deploy/reverify.h"
#include "deploy/hooks.h"
#include "deploy/preview.h"
#include "deploy/service_swap.h"
#include "service/observers.h"

#include <slotd/cleanup.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What was printed last matters most. */
static void on_output(struct child *c, const char *data, size_t len)
{
	struct verify_run *v = container_of(c, struct verify_run, child);
	const size_t room = sizeof(v->said) - 1;
	const size_t take = len < room ? len : room;
	const size_t stays = v->n_said < room - take ? v->n_said : room - take;

	memmove(v->said, v->said + v->n_said - stays, stays);
	memcpy(v->said + stays, data + len - take, take);
	v->n_said = stays + take;
	v->said[v->n_said] = '\0';
}

/* Whole lines of it, as many as fit behind the reason. */
static const char *last_lines(const struct verify_run *v, size_t room)
{
	const char *from = v->said, *next;

	while (strlen(from) > room && (next = strchr(from, '\n'))) {
		from = next + 1;
	}
	return strlen(from) > room ? from + strlen(from) - room : from;
}

static void fail(struct service *s, const char *reason)
{
	char text[PLAN_TEXT_MAX];
	size_t len = (size_t)snprintf(text, sizeof(text), "%.200s\n", reason);

	(void)snprintf(text + len, sizeof(text) - len, "%s",
		       last_lines(&s->verify, sizeof(text) - len - 1));
	len = strlen(text);
	while (len && text[len - 1] == '\n') {
		text[--len] = '\0';
	}
	s->culprit = NULL; /* no single worker */
	service_step(s, DEPLOY_EV_FAILING, -EIO, text);
}

/* What slotd could not run says nothing of the release. */
static void not_run(struct service *s, int error)
{
	service_say(s, LOG_WARNING, "verify cannot be repeated: %s; trying again",
		    strerror(-error));
	service_feed(s, DEPLOY_EV_VERIFIED, 0, NULL);
}

static const char *reason_of(const struct service *s, const struct child_result *result, char *buf,
			     size_t size)
{
	char text[160], span[USEC_TEXT_MAX];

	if (result->timed_out) {
		(void)snprintf(
			buf, size, "verify took longer than verify_timeout, %s",
			usec_format(s->policy.hook_timeout[HOOK_VERIFY], span, sizeof(span)));
	} else if (result->report.stage != SPAWN_STAGE_NONE) {
		(void)snprintf(buf, size, "verify: %s",
			       spawn_report_text(&result->report, "/bin/sh", text, sizeof(text)));
	} else {
		(void)snprintf(buf, size, "verify failed: %s",
			       worker_status_text(result->status, text, sizeof(text)));
	}
	return buf;
}

/* Who takes a service offline, or pauses it, says nothing about its release. */
static void failed(struct service *s, const char *reason)
{
	if (s->verify.by_public && !preview_is_public(s)) {
		service_say(s, LOG_INFO, "%s: not counted, for the service was closed meanwhile",
			    reason);
		service_feed(s, DEPLOY_EV_VERIFIED, 0, NULL);
		return;
	}
	fail(s, reason);
}

static void on_done(struct child *c, const struct child_result *result)
{
	struct service *s = container_of(c, struct service, verify.child);
	char reason[256];

	hooks_ran_apart(s);
	if (result->report.stage == SPAWN_STAGE_FORK && !result->timed_out) {
		not_run(s, result->report.error);
	} else if (result->timed_out || result->status ||
		   result->report.stage != SPAWN_STAGE_NONE) {
		failed(s, reason_of(s, result, reason, sizeof(reason)));
	} else {
		service_say(s, LOG_DEBUG, "verify has passed again");
		service_feed(s, DEPLOY_EV_VERIFIED, 0, NULL);
	}
}

static void begin(struct service *s)
{
	struct child_spec spec = CHILD_SPEC_INIT;
	int r;

	if (!preview_is_there(s)) {
		service_say(s, LOG_DEBUG,
			    "verify is not repeated as long as listen= does not reach workers");
		service_feed(s, DEPLOY_EV_VERIFIED, 0, NULL);
		return;
	}
	s->verify.n_said = 0;
	s->verify.said[0] = '\0';
	s->verify.by_public = preview_is_public(s);
	spec.timeout = s->policy.hook_timeout[HOOK_VERIFY];
	spec.output = on_output;
	spec.done = on_done;
	r = hooks_run_apart(s, HOOK_VERIFY, &s->verify.child, &spec);
	if (r < 0) {
		not_run(s, r);
	}
}

static void end(struct service *s)
{
	if (child_running(&s->verify.child)) {
		child_abandon(&s->verify.child);
		hooks_ran_apart(s);
	}
}

void reverify_run(struct service *s, const struct plan_action *a)
{
	if (a->arg) {
		begin(s);
	} else {
		end(s);
	}
}

void reverify_at(struct service *s, const struct plan_action *a)
{
	loop_timer_set(s->sup->loop, &s->verify.timer, a->at);
}

static void on_timer(struct loop_timer *t)
{
	service_feed(container_of(t, struct service, verify.timer), DEPLOY_EV_VERIFY_DUE, 0, NULL);
}

int reverify_init(struct service *s)
{
	loop_timer_init(&s->verify.timer, on_timer);
	return 0;
}

void reverify_done(struct service *s)
{
	end(s);
	loop_timer_stop(s->sup->loop, &s->verify.timer);
}
