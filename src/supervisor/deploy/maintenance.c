#include "deploy/maintenance.h"
#include "deploy/announce.h"
#include "deploy/records.h"
#include "deploy/upkeep.h"
#include "service/observers.h"
#include "service/offline_page.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What is asked for takes these steps; an act that takes something away is announced first, one
 * that gives it back afterwards:
 *
 *	pause    announce -> effect            resume  effect -> announce
 *	offline  announce -> page -> effect    online  effect -> announce
 */

static const char *act_name(enum maintenance_act act)
{
	static const char *const names[] = {
		[MAINTENANCE_NONE] = "",	 [MAINTENANCE_PAUSE] = "pause",
		[MAINTENANCE_RESUME] = "resume", [MAINTENANCE_OFFLINE] = "offline",
		[MAINTENANCE_ONLINE] = "online",
	};

	return names[act];
}

/* ---- effects */

static void changed(struct service *s)
{
	service_write_ledger(s);
	service_settle_soon(s);
	service_changed(s);
}

static void explain_offline(struct service *s)
{
	const struct upkeep *u = &s->upkeep;

	s->wish.offline = u->offline != 0;
	service_explain(s, TROUBLE_OFFLINE, "%s%s%s", u->offliner, *u->offline_why ? ": " : "",
			u->offline_why);
}

static void set_pause(struct service *s, usec_t end, const char *who)
{
	s->upkeep.pause_end = end;
	s->wish.pause = end != 0;
	(void)snprintf(s->upkeep.pauser, sizeof(s->upkeep.pauser), "%s", who);
	service_explain(s, TROUBLE_PAUSED, "%s", who);
	loop_timer_set(s->sup->loop, &s->upkeep.pause_timer, end ? end : USEC_NEVER);
	changed(s);
}

static void set_offline(struct service *s, usec_t since, const char *who, const char *why)
{
	struct upkeep *u = &s->upkeep;

	u->offline = since;
	(void)snprintf(u->offliner, sizeof(u->offliner), "%s", who);
	(void)snprintf(u->offline_why, sizeof(u->offline_why), "%s", why);
	explain_offline(s);
	changed(s);
	records_write_state(s->sup);
}

static void take_effect(struct service *s)
{
	const struct maintenance *m = &s->maintenance;

	switch (m->act) {
	case MAINTENANCE_PAUSE:
		set_pause(s, usec_add(usec_monotonic(), s->config->pause_timeout), m->who);
		break;
	case MAINTENANCE_RESUME:
		service_say(s, LOG_NOTICE, "resumed by %s", m->who);
		set_pause(s, 0, "");
		break;
	case MAINTENANCE_OFFLINE:
		service_say(s, LOG_NOTICE, "offline by %s%s%s: requests are answered 503", m->who,
			    *m->why ? ": " : "", m->why);
		set_offline(s, usec_wall(), m->who, m->why);
		break;
	case MAINTENANCE_ONLINE:
		service_say(s, LOG_NOTICE, "online again, by %s", m->who);
		set_offline(s, 0, "", "");
		break;
	case MAINTENANCE_NONE:
		return;
	}
	upkeep_write_history(s, act_name(m->act), m->who, m->why);
	service_maintained(s, m->act);
}

/* ---- steps */

static void finish(struct service *s)
{
	const uint32_t id = s->maintenance.id;

	s->maintenance.act = MAINTENANCE_NONE;
	s->maintenance.id = 0;
	s->sup->decide(s->sup, id, 0, NULL);
}

static void go_ahead(struct service *s)
{
	take_effect(s);
	finish(s);
}

static void on_announced_before(struct service *s)
{
	if (s->maintenance.act == MAINTENANCE_OFFLINE) {
		offline_page_read(s, go_ahead);
	} else {
		go_ahead(s);
	}
}

static bool announce(struct service *s, announced_fn *then)
{
	const struct maintenance *m = &s->maintenance;

	return announce_start(s, act_name(m->act), m->who, m->why, then);
}

static void begin(struct service *s, enum maintenance_act act, uint32_t id, const char *who,
		  const char *why)
{
	struct maintenance *m = &s->maintenance;

	m->act = act;
	m->id = id;
	(void)snprintf(m->who, sizeof(m->who), "%s", who);
	(void)snprintf(m->why, sizeof(m->why), "%s", why);
	if (act == MAINTENANCE_PAUSE || act == MAINTENANCE_OFFLINE) {
		if (!announce(s, on_announced_before)) {
			on_announced_before(s);
		}
		return;
	}
	take_effect(s);
	if (!announce(s, finish)) {
		finish(s);
	}
}

static void on_pause_over(struct loop_timer *t)
{
	struct service *s = container_of(t, struct service, upkeep.pause_timer);
	char span[USEC_TEXT_MAX];

	service_say(s, LOG_WARNING, "the pause by %s took longer than pause_timeout, %s: resumed",
		    s->upkeep.pauser, usec_format(s->config->pause_timeout, span, sizeof(span)));
	if (s->maintenance.act == MAINTENANCE_NONE) {
		begin(s, MAINTENANCE_RESUME, 0, "pause_timeout", "");
	} else {
		set_pause(s, 0, ""); /* what is being announced is not delayed by this */
	}
}

/* ---- what people ask for */

static int find(struct supervisor *sup, const struct job_request *req, enum maintenance_act act,
		struct service **ret, struct diag *diag)
{
	char why[SERVICE_TEXT_MAX];
	int r = request_service(sup, req, act_name(act), ret, diag);
	const struct service *s;

	if (r < 0) {
		return r;
	}
	s = *ret;
	if (s->down) {
		return diag_set(diag, -EINVAL, "%s is %s", s->name,
				service_trouble_text(s, TROUBLE_NOT_STARTED, why, sizeof(why)));
	}
	if (s->maintenance.act != MAINTENANCE_NONE) {
		return diag_set(diag, -EBUSY,
				"%s: the %s by %s is being announced; try again when the commands "
				"of announce have ended",
				s->name, act_name(s->maintenance.act), s->maintenance.who);
	}
	return 0;
}

int service_pause(struct supervisor *sup, const struct job_request *req, struct diag *diag)
{
	struct service *s;
	int r = find(sup, req, MAINTENANCE_PAUSE, &s, diag);

	if (r < 0) {
		return r;
	}
	begin(s, MAINTENANCE_PAUSE, req->id, req->who, "");
	return 1;
}

int service_resume(struct supervisor *sup, const struct job_request *req, struct diag *diag)
{
	struct service *s;
	int r = find(sup, req, MAINTENANCE_RESUME, &s, diag);

	if (r < 0) {
		return r;
	}
	if (!s->upkeep.pause_end) {
		return diag_set(diag, -EINVAL, "%s is not paused", s->name);
	}
	begin(s, MAINTENANCE_RESUME, req->id, req->who, "");
	return 1;
}

int service_offline(struct supervisor *sup, const struct job_request *req, struct diag *diag)
{
	const char *why = req->arg ? req->arg : "";
	struct service *s;
	int r = find(sup, req, MAINTENANCE_OFFLINE, &s, diag);

	if (r < 0) {
		return r;
	}
	if (strlen(why) >= sizeof(s->upkeep.offline_why) || !request_is_plain(why)) {
		return diag_set(diag, -EINVAL,
				"the reason has at most %zu bytes, and no control characters",
				sizeof(s->upkeep.offline_why) - 1);
	}
	begin(s, MAINTENANCE_OFFLINE, req->id, req->who, why);
	return 1;
}

int service_online(struct supervisor *sup, const struct job_request *req, struct diag *diag)
{
	struct service *s;
	int r = find(sup, req, MAINTENANCE_ONLINE, &s, diag);

	if (r < 0) {
		return r;
	}
	if (!s->upkeep.offline) {
		return diag_set(diag, -EINVAL, "%s is not offline", s->name);
	}
	begin(s, MAINTENANCE_ONLINE, req->id, req->who, "");
	return 1;
}

/* ---- kept */

void maintenance_from_ledger(struct service *s, const struct ledger_duty *row)
{
	struct upkeep *u = &s->upkeep;

	u->offline = row->offline;
	memcpy(u->offliner, row->offliner, sizeof(u->offliner));
	memcpy(u->offline_why, row->offline_why, sizeof(u->offline_why));
	explain_offline(s);
	if (row->pause_end) {
		set_pause(s, row->pause_end, row->pauser);
	}
}

void maintenance_found(struct service *s)
{
	explain_offline(s);
}

void maintenance_forget(struct supervisor *sup)
{
	vec_for_each (s, &sup->services) {
		(*s)->maintenance.id = 0;
	}
}

int maintenance_init(struct service *s)
{
	loop_timer_init(&s->upkeep.pause_timer, on_pause_over);
	return 0;
}

void maintenance_done(struct service *s)
{
	loop_timer_stop(s->sup->loop, &s->upkeep.pause_timer);
	announce_stop(s);
	if (s->maintenance.act != MAINTENANCE_NONE && s->maintenance.id) {
		s->sup->decide(s->sup, s->maintenance.id, -EINVAL,
			       s->sup->mood == MOOD_RUNNING ? "the service was removed"
							    : "slotd ends");
		s->maintenance.id = 0;
	}
}
