#include "deploy/upkeep.h"
#include "deploy/job.h"
#include "deploy/records.h"
#include "service/observers.h"

#include <slotd/cleanup.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *time_text(usec_t wall, char *buf, size_t size)
{
	time_t seconds = (time_t)(wall / 1000000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(buf, size, "%Y-%m-%d %H:%M", &tm)) {
		(void)snprintf(buf, size, "?");
	}
	return buf;
}

static void changed(struct service *s)
{
	service_write_ledger(s);
	service_settle_soon(s);
	service_changed(s);
}

void upkeep_write_history(struct service *s, const char *kind, const char *who, const char *why)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:s}", "service", s->name, "kind", kind, "who",
			      who, "began", (json_int_t)(usec_wall() / SECONDS(1)), "text", why);
	char *dump = o ? json_dumps(o, JSON_COMPACT) : NULL, *text = NULL;

	if (dump && asprintf(&text, "%s\n", dump) < 0) {
		text = NULL;
	}
	if (text) {
		records_history(s->sup, text, NULL);
	} else {
		service_say(s, LOG_ERR, "%s is not in the history: out of memory", kind);
	}
	free(dump);
	json_decref(o);
}

/* ---- freeze ---- */

static void explain_freeze(struct service *s)
{
	const struct upkeep *u = &s->upkeep;

	s->wish.frozen = u->frozen != 0;
	service_explain(s, TROUBLE_FROZEN, "%s%s%s", u->freezer, u->frozen ? ": " : "",
			u->freeze_why);
}

static void set_freeze(struct service *s, usec_t since, const char *who, const char *why)
{
	struct upkeep *u = &s->upkeep;

	u->frozen = since;
	(void)snprintf(u->freezer, sizeof(u->freezer), "%s", who);
	(void)snprintf(u->freeze_why, sizeof(u->freeze_why), "%s", why);
	explain_freeze(s);
	changed(s);
	records_write_state(s->sup);
}

int service_freeze(struct supervisor *sup, const struct job_request *req, struct diag *diag)
{
	struct service *s;
	int r = request_service(sup, req, "freeze", &s, diag);

	if (r < 0) {
		return r;
	}
	if (!req->arg || !*req->arg) {
		return diag_set(diag, -EINVAL, "say why: slotctl freeze %s WHY", s->name);
	}
	if (strlen(req->arg) >= sizeof(s->upkeep.freeze_why) || !request_is_plain(req->arg)) {
		return diag_set(diag, -EINVAL,
				"the reason has at most %zu bytes, and no control characters",
				sizeof(s->upkeep.freeze_why) - 1);
	}
	service_say(s, LOG_NOTICE, "frozen by %s: %s", req->who, req->arg);
	set_freeze(s, usec_wall(), req->who, req->arg);
	upkeep_write_history(s, "freeze", req->who, req->arg);
	return 0;
}

int service_unfreeze(struct supervisor *sup, const struct job_request *req, struct diag *diag)
{
	struct service *s;
	int r = request_service(sup, req, "unfreeze", &s, diag);

	if (r < 0) {
		return r;
	}
	if (!s->upkeep.frozen) {
		return diag_set(diag, -EINVAL, "%s is not frozen", s->name);
	}
	service_say(s, LOG_NOTICE, "unfrozen by %s", req->who);
	set_freeze(s, 0, "", "");
	upkeep_write_history(s, "unfreeze", req->who, "");
	return 0;
}

/* ---- what a job has to do with it ---- */

int upkeep_may_begin(const struct service *s, enum swap_kind kind, struct diag *diag)
{
	const struct upkeep *u = &s->upkeep;
	char when[32];

	if (!u->frozen || kind == SWAP_KIND_ROLLBACK || kind == SWAP_KIND_RESTART) {
		return 0;
	}
	return diag_set(diag, -ECANCELED,
			"%s is frozen since %s by %s: %s. To go on: slotctl unfreeze %s", s->name,
			time_text(u->frozen, when, sizeof(when)), u->freezer, u->freeze_why,
			s->name);
}

int ab_may_begin(const struct service *s, const struct job_request *req, struct diag *diag)
{
	const bool of_test = req->kind == SWAP_KIND_PROMOTE ||
			     (req->kind == SWAP_KIND_AB && !(req->release && *req->release));
	char share[SHARE_TEXT_MAX];

	if (!s->ab.weight || of_test) {
		return 0;
	}
	return diag_set(diag, -EBUSY,
			"%s: %s gets %s of the connections in an A/B test by %s. First: slotctl "
			"promote %s, or slotctl abort %s",
			s->name, slot_name(s->ab.slot), share_format(s->ab.weight, share),
			s->ab.who, s->name, s->name);
}

/* 0: the last job was none. A job that goes on is the last one: this rollback would end it. */
static usec_t last_rollback(const struct service *s)
{
	if (s->job) {
		return s->job->kind == SWAP_KIND_ROLLBACK ? s->job->began_wall : 0;
	}
	return s->upkeep.rolled_back;
}

int upkeep_has_way_back(const struct service *s, bool force, struct diag *diag)
{
	const enum slot_id live = service_live(s);
	char slot[128];

	if (force || !*s->slots[live].one_way) {
		return 0;
	}
	return diag_set(
		diag, -EINVAL,
		"%s: there is no way back from %s: %s. If it is meant all the same: slotctl "
		"rollback --force %s",
		s->name, service_slot_text(s, live, slot, sizeof(slot)), s->slots[live].one_way,
		s->name);
}

int upkeep_may_go_back(const struct service *s, bool force, struct diag *diag)
{
	enum slot_id other = slot_other(service_live(s));
	char when[32], slot[128];
	int r = upkeep_has_way_back(s, force, diag);

	if (r < 0 || !last_rollback(s) || force) {
		return r;
	}
	return diag_set(
		diag, -EINVAL,
		"%s was rolled back at %s: another rollback would go forward again, to %s. If "
		"that is meant: slotctl rollback --force %s",
		s->name, time_text(last_rollback(s), when, sizeof(when)),
		service_slot_text(s, other, slot, sizeof(slot)), s->name);
}

void upkeep_job_done(struct service *s, enum swap_kind kind)
{
	if (kind != SWAP_KIND_ROLLBACK && !s->upkeep.rolled_back) {
		return;
	}
	s->upkeep.rolled_back = kind == SWAP_KIND_ROLLBACK ? usec_wall() : 0;
	service_write_ledger(s);
	records_write_state(s->sup);
}

/* ---- kept ---- */

void upkeep_from_ledger(struct service *s, const struct ledger_duty *row)
{
	struct upkeep *u = &s->upkeep;

	u->frozen = row->frozen;
	u->rolled_back = row->rolled_back;
	memcpy(u->freezer, row->freezer, sizeof(u->freezer));
	memcpy(u->freeze_why, row->freeze_why, sizeof(u->freeze_why));
	upkeep_found(s);
}

void upkeep_found(struct service *s)
{
	explain_freeze(s);
}
