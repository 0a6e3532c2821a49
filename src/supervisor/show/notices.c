#include "show/notices.h"
#include "deploy/job.h"
#include "show/notice_queue.h"
#include "worker/process.h"

#include <slotd/cleanup.h>
#include <slotd/utf8.h>

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static json_t *body_of(const char *service, enum notice_event event, uint64_t id, const char *text)
{
	char host[256] = "";

	(void)gethostname(host, sizeof(host) - 1);
	return json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "event", notice_name(event), "service",
			 service, "time", (json_int_t)(usec_wall() / SECONDS(1)), "host", host,
			 "text", text, "id", notice_id_text(id));
}

/* One line of UTF-8, whatever a worker had in its last words, and wherever they were cut. */
static const char *plain(const char *text, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s", text);
	for (char *p = buf; *p; p++) {
		*p = iscntrl((unsigned char)*p) ? ' ' : *p;
	}
	return utf8_mend(buf);
}

/* Takes extra: members to be added, or NULL. */
static void tell(struct supervisor *sup, const char *service, enum notice_event event,
		 const char *worker, const char *text, json_t *extra)
{
	CLEANUP(notice_done) struct notice n = {.event = event};
	char line[2 * PLAN_TEXT_MAX];
	json_t *body = NULL;

	if (notice_queue_wants(sup, service, event)) {
		n.id = notice_queues_next_id(sup);
		body = body_of(service, event, n.id, plain(text, line, sizeof(line)));
		if (body && extra) {
			(void)json_object_update(body, extra);
		}
		if (body && *worker) {
			(void)json_object_set_new(body, "worker", json_string(worker));
		}
		if (!body || notice_fill(&n, body) < 0 || notice_queue_add(sup, service, &n) < 0) {
			log_line(LOG_ERR, "%s: notify: out of memory; dropped: %s",
				 notice_queue_label(service), text);
		}
	}
	json_decref(body);
	json_decref(extra);
}

void notices_service(struct service *s, enum notice_event event, const char *text)
{
	tell(s->sup, s->name, event, "", text, NULL);
}

static json_t *job_members(const struct job *j)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "job", (int)j->number, "kind",
			 swap_kind_name(j->kind), "who", j->who, "release", j->release, "from",
			 slot_name(j->from), "to", slot_name(j->to));
}

void notices_job_began(struct service *s, const struct job *j)
{
	char text[PLAN_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s: %s #%u%s%s by %s has begun", s->name,
		       swap_kind_name(j->kind), j->number, *j->release ? " of " : "", j->release,
		       j->who);
	tell(s->sup, s->name, NOTICE_DEPLOY_STARTED, "", text, job_members(j));
}

static enum notice_event end_of(const struct job *j)
{
	if (j->code == SWAP_EXIT_FLIPPED_BACK) {
		return NOTICE_ROLLED_BACK;
	}
	if (j->code != SWAP_EXIT_DONE) {
		return NOTICE_DEPLOY_FAILED;
	}
	return j->kind == SWAP_KIND_ROLLBACK ? NOTICE_ROLLED_BACK : NOTICE_DEPLOY_DONE;
}

void notices_job_ended(struct service *s, const struct job *j)
{
	json_t *extra = job_members(j);
	char text[2 * PLAN_TEXT_MAX], why[sizeof(j->why)];

	memcpy(why, j->why, sizeof(why));
	if (extra) {
		(void)json_object_set_new(extra, "code", json_integer(j->code));
	}
	if (extra && j->failed_in != SWAP_NONE) {
		(void)json_object_set_new(extra, "step", json_string(swap_step_name(j->failed_in)));
		(void)json_object_set_new(extra, "why", json_string(utf8_mend(why)));
	}
	(void)snprintf(text, sizeof(text), "%s: %s #%u%s%s by %s: %s%s%s", s->name,
		       swap_kind_name(j->kind), j->number, *j->release ? " of " : "", j->release,
		       j->who, j->text, j->failed_in != SWAP_NONE ? " " : "",
		       j->failed_in != SWAP_NONE ? j->why : "");
	tell(s->sup, s->name, end_of(j), j->culprit, text, extra);
}

void notices_drain_cut(struct service *s, enum slot_id slot, uint64_t n)
{
	char text[PLAN_TEXT_MAX];

	(void)snprintf(text, sizeof(text),
		       "%s: slot %s did not drain in time: %llu connections were closed", s->name,
		       slot_name(slot), (unsigned long long)n);
	tell(s->sup, s->name, NOTICE_DRAIN_LONG, "", text,
	     json_pack("{s:s, s:I}", "slot", slot_name(slot), "connections", (json_int_t)n));
}

static void disk_full(struct supervisor *sup, const char *service, const char *worker,
		      const char *text)
{
	if (notice_queue_disk_is_news(sup, service)) {
		tell(sup, service, NOTICE_DISK_FULL, worker, text, NULL);
	}
}

void notices_canary_old(struct service *s, const char *text)
{
	tell(s->sup, s->name, NOTICE_CANARY_OLD, "", text, s->job ? job_members(s->job) : NULL);
}

void notices_no_room(struct service *s, const char *text)
{
	char full[PLAN_TEXT_MAX];

	(void)snprintf(full, sizeof(full), "%s: the record cannot be written: %s", s->name, text);
	disk_full(s->sup, s->name, "", full);
}

void notices_output_lost(struct process *p, int error)
{
	char text[PLAN_TEXT_MAX];

	if (error != ENOSPC && error != -ENOSPC && error != EDQUOT && error != -EDQUOT) {
		return;
	}
	(void)snprintf(text, sizeof(text), "%s: the disk of its log is full: output is lost",
		       p->namespec);
	disk_full(p->sup, p->service ? p->service->name : "", p->namespec, text);
}

void notices_process_entered(struct process *p, const struct plan_action *a)
{
	char text[PLAN_TEXT_MAX];

	if (a->arg != WORKER_FATAL) {
		return;
	}
	(void)snprintf(text, sizeof(text), "%s is FATAL: %s", p->namespec,
		       *p->worker.spawnerr ? p->worker.spawnerr : "it does not stay up");
	tell(p->sup, p->service ? p->service->name : "", NOTICE_FATAL, p->namespec, text, NULL);
}

int notices_test(struct supervisor *sup, const struct job_request *req, uint32_t id,
		 struct diag *diag)
{
	CLEANUP(notice_done) struct notice n = {.event = NOTICE_TEST, .id = 0};
	struct service *s;
	char text[PLAN_TEXT_MAX];
	json_t *body;
	int r = request_service(sup, req, "notify --test", &s, diag);

	if (r < 0) {
		return r;
	}
	(void)snprintf(text, sizeof(text), "%s: a test by %s", s->name, req->who);
	body = body_of(s->name, NOTICE_TEST, 0, text);
	r = body ? notice_fill(&n, body) : -ENOMEM;
	json_decref(body);
	if (r < 0) {
		return diag_set_errno(diag, r, "%s", s->name);
	}
	return notice_queue_test(sup, s->name, &n, id, diag);
}
