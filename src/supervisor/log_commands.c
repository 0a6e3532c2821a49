#include "log_commands.h"
#include "deploy/jobs.h"
#include "deploy/records.h"
#include "link/helpers.h"
#include "show/requests.h"
#include "worker/names.h"
#include "worker/process.h"
#include "worker/streams.h"

#include <slotd/cleanup.h>
#include <slotd/fault.h>

#include <limits.h>
#include <stdio.h>

/* path NULL: slotd's own log; p NULL: no worker's. */
static int ask_log(struct request *q, uint32_t *ret_id, enum message_type type,
		   const struct process *p, int channel, const char *path)
{
	struct message m;
	int r;

	*ret_id = helper_request_id(q->sup);
	message_init(&m, type, *ret_id);
	if (p && p->streams[channel]) {
		message_put_u64(&m, TAG_STREAM, p->streams[channel]);
	}
	message_put_text(&m, TAG_PATH, path);
	if (type == MSG_LOG_OPEN && p && p->config->logs[channel].kind == LOG_KIND_AUTO) {
		message_put_u64(&m, TAG_MODE,
				AUTO_LOG_MODE); /* its name is told before its start */
	}
	r = helper_send(helper_of(q->sup, HELPER_LOG), &m);
	if (r < 0) {
		*ret_id = 0;
	}
	return r;
}

/* told: the path for people; path: as ask_log takes it. */
static void open_for(const struct call *c, struct process *p, int channel, const char *told,
		     const char *path)
{
	struct request *q = request_new(c->sup, c->id, false);
	struct request_item *item;

	if (!q) {
		return;
	}
	(void)snprintf(q->path, sizeof(q->path), "%s", told);
	request_park(q);
	item = request_add(q, p, WAIT_LOG);
	if (item && ask_log(q, &item->log_requests[0], MSG_LOG_OPEN, p, channel, path) < 0) {
		request_decide(q, item, FAULT_FAILED, "slotd-log does not answer");
	}
	request_begin(q);
}

void command_open_log(const struct call *c)
{
	int channel = message_u64(c->m, TAG_CHANNEL) ? 1 : 0;
	struct process *p = *c->name ? process_find(c->sup, c->name) : NULL;
	const char *path = p ? p->log_paths[channel] : c->sup->config->supervisord.log.path;

	if (*c->name && !p) {
		answer(c->sup, c->id, FAULT_BAD_NAME, c->name);
	} else if (!path) {
		answer(c->sup, c->id, FAULT_NO_FILE, NULL);
	} else {
		open_for(c, p, channel, path, p ? path : NULL);
	}
}

void command_open_history(const struct call *c)
{
	char path[PATH_MAX];

	records_history_path(c->sup, path, sizeof(path));
	open_for(c, NULL, 0, path, path);
}

void command_open_job_log(const struct call *c)
{
	char path[PATH_MAX], name[PATH_MAX + 8];

	if (!job_log_find(c->sup, message_str(c->m, TAG_SERVICE), message_u64(c->m, TAG_JOB), path,
			  sizeof(path))) {
		answer(c->sup, c->id, FAULT_BAD_NAME, NULL);
		return;
	}
	(void)snprintf(name, sizeof(name), "%s%s", path,
		       message_u64(c->m, TAG_BACKUPS) ? ".1" : "");
	open_for(c, NULL, 0, name, name);
}

/* p NULL: slotd's own log. */
static void clear_logs(struct request *q, struct process *p)
{
	struct request_item *item = request_add(q, p, WAIT_LOG);
	int r = 0;

	if (!item) {
		return;
	}
	for (int i = 0; i < 2 && r == 0; i++) {
		if (p ? p->log_paths[i] != NULL : i == 0) {
			r = ask_log(q, &item->log_requests[i], MSG_LOG_CLEAR, p, i,
				    p ? p->log_paths[i] : NULL);
		}
	}
	if (r < 0) {
		request_decide(q, item, FAULT_FAILED, "slotd-log does not answer");
	} else if (!item->log_requests[0] && !item->log_requests[1]) {
		request_decide(q, item, FAULT_SUCCESS, "OK"); /* it has no logs */
	}
}

void command_clear_log(const struct call *c)
{
	CLEANUP(selection_done) struct selection s = {0};
	struct request *q;

	if (*c->name && selection_make(c->sup, c->name, &s) < 0) {
		answer(c->sup, c->id, FAULT_BAD_NAME, c->name);
		return;
	}
	q = request_new(c->sup, c->id, s.many);
	if (!q) {
		return;
	}
	request_park(q);
	if (!*c->name) {
		clear_logs(q, NULL);
	}
	vec_for_each (p, &s.processes) {
		clear_logs(q, *p);
	}
	request_begin(q);
}

void command_reopen_logs(const struct call *c)
{
	log_line(LOG_INFO, "supervisord logreopen");
	streams_reopen(c->sup);
	answer(c->sup, c->id, FAULT_SUCCESS, NULL);
}
