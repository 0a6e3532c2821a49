#include "service/vitals.h"
#include "service/gate.h"
#include "worker/observers.h"
#include "worker/process.h"
#include "worker/process_row.h"
#include "worker/processes.h"
#include "worker/sd_listener.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>

/* A slotd that was stopped, or got no CPU, for so long does not know who is late. */
#define HELD_UP MSECONDS(200)

static bool says_itself(const struct process *p)
{
	return p->service && p->service->config->health == HEALTH_NOTIFY && p->config->address;
}

const char *health_words(const struct process *p, char *buf, size_t size)
{
	const struct health *h = &p->health;

	if (*p->health_text) {
		(void)snprintf(buf, size, "%s", p->health_text);
	} else if (!says_itself(p)) {
		(void)snprintf(buf, size, "was not checked in time");
	} else if (!h->notifies) {
		(void)snprintf(buf, size,
			       "was started before health=notify, so it has no NOTIFY_SOCKET: "
			       "restart it");
	} else {
		(void)snprintf(buf, size, "has not sent READY=1%s%s%s",
			       *h->status ? "; its STATUS is \"" : "", h->status,
			       *h->status ? "\"" : "");
	}
	return buf;
}

/* ---- its own words ---- */

static void say_refused(struct process *p, const struct sd_message *n)
{
	if (n->main_pid && !p->refused) {
		p->refused = true;
		service_say(p->service, LOG_WARNING,
			    "%s sent MAINPID=, which is refused: slotd watches the process that it "
			    "has started. Let the command stay in the foreground",
			    p->config->name);
	}
	if (n->watchdog_usec && !p->refused) {
		p->refused = true;
		service_say(p->service, LOG_WARNING,
			    "%s sent WATCHDOG_USEC=, which is refused: health_watchdog sets that "
			    "time",
			    p->config->name);
	}
}

void vitals_said(struct process *p, const struct sd_message *n)
{
	enum sd_effect effect;

	if (!says_itself(p) || !p->health.notifies) {
		return;
	}
	say_refused(p, n);
	effect = health_told(&p->health, n, usec_monotonic());
	if (effect != SD_NOTHING) {
		process_commit(p);
		process_changed(p);
	}
	if (effect == SD_HEALTH) {
		gate_heard(p, true,
			   p->health.healthy ? NULL : "said STOPPING=1: it is about to end");
	}
	vitals_schedule(p->service);
}

/* ---- its watchdog ---- */

static void be_late(struct process *p)
{
	char why[128], span[USEC_TEXT_MAX];
	const bool was = p->health.healthy;

	if (!health_is_late(&p->health, usec_monotonic())) {
		return;
	}
	process_commit(p);
	(void)snprintf(why, sizeof(why), "sent no WATCHDOG=1 for %s",
		       usec_format(p->health.watchdog, span, sizeof(span)));
	if (!was) {
		service_say(p->service, LOG_WARNING, "%s %s", p->config->name, why);
	}
	gate_heard(p, was, why);
	process_hung(p);
}

/* What is off in the configuration is off at once. */
static bool is_watched(const struct process *p)
{
	return says_itself(p) && p->service->config->health_watchdog && p->health.late_at &&
	       p->worker.state == WORKER_RUNNING;
}

/* Whatever they have sent meanwhile is heard first; who could not send is not late. */
static void on_watchdog_timer(struct loop_timer *t)
{
	struct service *s = container_of(t, struct service, watchdog_timer);
	const bool held_up = usec_sub(usec_monotonic(), s->watchdog_due) > HELD_UP;
	struct process *p;
	size_t pos = 0;

	sd_listener_receive(s->sup);
	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		if (!is_watched(p)) {
			continue;
		}
		if (held_up) {
			health_watch(&p->health, usec_monotonic());
		} else {
			be_late(p);
		}
	}
	vitals_schedule(s);
}

/* A time that moves on does not move the timer: when that comes, it is set for the next one. */
void vitals_schedule(struct service *s)
{
	usec_t next = USEC_NEVER;
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		if (is_watched(p) && p->health.late_at < next) {
			next = p->health.late_at;
		}
	}
	if (s->down || next == USEC_NEVER) {
		loop_timer_stop(s->sup->loop, &s->watchdog_timer);
	} else if (next < s->watchdog_timer.at) {
		s->watchdog_due = next;
		loop_timer_set(s->sup->loop, &s->watchdog_timer, next);
	}
}

void vitals_entered(struct process *p)
{
	if (says_itself(p) && p->worker.state == WORKER_RUNNING) {
		health_watch(&p->health, usec_monotonic());
		vitals_schedule(p->service);
	}
}

void vitals_resume(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		vitals_entered(p);
	}
}

int vitals_init(struct service *s)
{
	loop_timer_init(&s->watchdog_timer, on_watchdog_timer);
	return 0;
}

void vitals_done(struct service *s)
{
	loop_timer_stop(s->sup->loop, &s->watchdog_timer);
}

/* ---- its restart ---- */

static bool comes_up(const struct service *s, const struct process *p, usec_t now)
{
	enum worker_state state = p->worker.state;

	return p->config->address &&
	       (p->restart || state == WORKER_STARTING || state == WORKER_STOPPING ||
		(state == WORKER_RUNNING &&
		 health_coming_up(&p->health, &s->gate_policy, p->worker.started, now)));
}

static bool others_come_up(const struct process *p, usec_t now)
{
	struct process *other;
	size_t pos = 0;

	while ((other = service_next(p->service, p->slot, &pos))) {
		if (other != p && comes_up(p->service, other, now)) {
			return true;
		}
	}
	return false;
}

static bool may_be_restarted(const struct process *p)
{
	const struct service *s = p->service;

	return s->config->health_restart &&
	       (p->slot == service_live(s) || p->slot == service_sharing(s)) &&
	       deploy_slot_in_use(&s->swap) != p->slot && s->sup->mood == MOOD_RUNNING &&
	       p->worker.state == WORKER_RUNNING && !p->removed && !p->restart;
}

void vitals_failed(struct process *p)
{
	usec_t now = usec_monotonic();

	if (!may_be_restarted(p) ||
	    !health_wants_restart(&p->health, &p->service->gate_policy, p->worker.started,
				  others_come_up(p, now), now)) {
		return;
	}
	service_say(p->service, LOG_WARNING, "restarting %s, which is unhealthy: %.*s",
		    p->config->name, (int)strcspn(p->health_text, "\n"), p->health_text);
	health_note_restart(&p->health, p->worker.started, now);
	p->restart = true;
	process_stop(p);
}
