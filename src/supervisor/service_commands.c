#include "service_commands.h"
#include "deploy/canary_requests.h"
#include "deploy/drain_now.h"
#include "deploy/jobs.h"
#include "deploy/maintenance.h"
#include "deploy/upkeep.h"
#include "dry_run.h"
#include "rights.h"
#include "show/notices.h"
#include "show/publish.h"
#include "show/requests.h"

#include <slotd/cleanup.h>
#include <slotd/command.h>

#include <stdio.h>

/* Names are looked up with the configuration: a name server must not be waited for here. */
static void put_user(const struct config *config, uid_t uid, char *buf, size_t size)
{
	vec_for_each (u, &config->user_names) {
		if (u->uid == uid) {
			(void)snprintf(buf, size, "%s", u->name);
			return;
		}
	}
	(void)snprintf(buf, size, "uid %u", (unsigned)uid);
}

const char *call_who(const struct call *c, char *buf, size_t size)
{
	if (message_has(c->m, TAG_WHO)) {
		(void)snprintf(buf, size, "%s", message_str(c->m, TAG_WHO));
	} else if (!message_has(c->m, TAG_UID)) {
		(void)snprintf(buf, size, "somebody");
	} else if (message_u64(c->m, TAG_UID) == 0) {
		(void)snprintf(buf, size, "root");
	} else {
		put_user(c->sup->config, (uid_t)message_u64(c->m, TAG_UID), buf, size);
	}
	return buf;
}

/* ---- services: jobs.c judges who may, and answers */

static int job_fault(int r)
{
	static const struct {
		int error, fault;
	} faults[] = {
		{-EBUSY, FAULT_BUSY},	   {-ECANCELED, FAULT_FROZEN}, {-EACCES, FAULT_FORBIDDEN},
		{-EPERM, FAULT_FORBIDDEN}, {-ENOENT, FAULT_BAD_NAME},
	};

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		if (faults[i].error == r) {
			return faults[i].fault;
		}
	}
	return FAULT_REFUSED;
}

static struct job_request job_request(const struct call *c, char *who, size_t size)
{
	return (struct job_request){
		.service =
			message_has(c->m, TAG_SERVICE) ? message_str(c->m, TAG_SERVICE) : c->name,
		.release = message_text(c->m, TAG_RELEASE),
		.who = call_who(c, who, size),
		.uid = message_has(c->m, TAG_UID) ? (uid_t)message_u64(c->m, TAG_UID) : (uid_t)-1,
		.gid = message_has(c->m, TAG_GID) ? (gid_t)message_u64(c->m, TAG_GID) : (gid_t)-1,
		.trusted = c->trusted,
		.force = message_u64(c->m, TAG_FORCE) != 0,
		.arg = message_text(c->m, TAG_ARG),
		.id = c->id,
	};
}

typedef int job_fn(struct supervisor *sup, const struct job_request *req, struct diag *diag);

static void begin_by(const struct call *c, enum swap_kind kind, job_fn *begin)
{
	char who[128];
	struct job_request req = job_request(c, who, sizeof(who));
	struct diag diag = {0};
	struct message m;
	int r;

	req.kind = kind;
	r = begin(c->sup, &req, &diag);
	if (r < 0) {
		answer(c->sup, c->id, job_fault(r), diag.text);
		return;
	}
	message_init(&m, MSG_ANSWER, c->id);
	message_put_u64(&m, TAG_CODE, FAULT_SUCCESS);
	message_put_u64(&m, TAG_JOB, (uint64_t)r);
	(void)publish_answer(c->sup, &m);
}

static void begin_job(const struct call *c, enum swap_kind kind)
{
	begin_by(c, kind, job_begin);
}

void command_canary(const struct call *c)
{
	begin_by(c, SWAP_KIND_CANARY, canary_change);
}

void command_promote(const struct call *c)
{
	begin_by(c, SWAP_KIND_PROMOTE, canary_promote);
}

void command_ab(const struct call *c)
{
	begin_by(c, SWAP_KIND_AB, ab_change);
}

void command_swap(const struct call *c)
{
	begin_job(c, SWAP_KIND_SWAP);
}

void command_deploy(const struct call *c)
{
	begin_job(c, SWAP_KIND_DEPLOY);
}

void command_dry_run(const struct call *c)
{
	char who[128];
	struct job_request req = job_request(c, who, sizeof(who));
	struct diag diag = {0};
	int r;

	req.kind = SWAP_KIND_DEPLOY;
	r = dry_run_begin(c->sup, &req, c->id, &diag);
	if (r < 0) {
		answer(c->sup, c->id, job_fault(r), diag.text);
	}
}

void command_rollback(const struct call *c)
{
	begin_job(c, SWAP_KIND_ROLLBACK);
}

void command_restart(const struct call *c)
{
	begin_job(c, SWAP_KIND_RESTART);
}

static void change_job(const struct call *c, job_fn *change)
{
	char who[128];
	struct job_request req = job_request(c, who, sizeof(who));
	struct diag diag = {0};
	int r = change(c->sup, &req, &diag);

	if (r <= 0) {
		service_commands_decide(c->sup, c->id, r, diag.text);
	}
}

void service_commands_decide(struct supervisor *sup, uint32_t id, int r, const char *text)
{
	answer(sup, id, r < 0 ? job_fault(r) : FAULT_SUCCESS, text);
}

void command_abort(const struct call *c)
{
	change_job(c, canary_abort);
}

void command_drain_now(const struct call *c)
{
	change_job(c, service_drain_now);
}

void command_pause(const struct call *c)
{
	change_job(c, service_pause);
}

void command_resume(const struct call *c)
{
	change_job(c, service_resume);
}

void command_offline(const struct call *c)
{
	change_job(c, service_offline);
}

void command_online(const struct call *c)
{
	change_job(c, service_online);
}

void command_freeze(const struct call *c)
{
	change_job(c, service_freeze);
}

void command_unfreeze(const struct call *c)
{
	change_job(c, service_unfreeze);
}

void command_notify_test(const struct call *c)
{
	char who[128];
	struct job_request req = job_request(c, who, sizeof(who));
	struct diag diag = {0};
	int r = notices_test(c->sup, &req, c->id, &diag);

	if (r < 0) { /* else it is answered later */
		answer(c->sup, c->id, job_fault(r), diag.text);
	}
}

void command_whoami(const struct call *c)
{
	char who[128], text[1024];

	(void)call_who(c, who, sizeof(who));
	answer(c->sup, c->id, FAULT_SUCCESS,
	       access_describe(c->sup, c->m, who, text, sizeof(text)));
}
