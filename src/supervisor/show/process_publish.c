#include "show/process_publish.h"
#include "service/service.h"
#include "service/vitals.h"
#include "worker/process.h"
#include "worker/process_facts.h"
#include "worker/waits.h"

#include <stdio.h>
#include <string.h>

static void put_result(struct message *m, const struct process *p)
{
	message_put_u64(m, TAG_PID, (uint64_t)p->pid);
	message_put_i64(m, TAG_STATUS, worker_exitstatus(&p->worker));
	if (p->worker.exit != -1) {
		message_put_i64(m, TAG_EXIT, p->worker.exit);
	}
	message_put_u64(m, TAG_RESTARTS, p->worker.restarts);
	message_put_text(m, TAG_SPAWNERR, p->worker.spawnerr);
	message_put_u64(m, TAG_SINCE, p->since_wall);
	message_put_u64(m, TAG_STARTED, p->started_wall);
	message_put_u64(m, TAG_STOPPED, p->stopped_wall);
}

static void put_place(struct message *m, const struct process *p)
{
	message_put_text(m, TAG_PROGRAM, p->config->program->name);
	message_put_u64(m, TAG_PRIORITY, (uint64_t)(int64_t)p->config->program->priority);
	message_put_text(m, TAG_STDOUT_PATH, p->log_paths[0]);
	message_put_text(m, TAG_STDERR_PATH, p->log_paths[1]);
	if (p->service) {
		message_put_text(m, TAG_SERVICE, process_service_name(p));
		message_put_u64(m, TAG_SLOT, p->slot);
		message_put_text(m, TAG_ADDRESS, p->config->address);
	}
}

/* What it waits for, or the check of a live worker got that is not healthy; NULL: nothing. */
static const char *note_of(const struct process *p, char *buf, size_t size)
{
	const struct process *other = process_waits_for(p);

	if (other) {
		(void)snprintf(buf, size, "waits for %s to end", other->namespec);
		return buf;
	}
	if (p->denied) {
		(void)snprintf(buf, size, "slotd-relay has no permission to connect to %s",
			       p->config->address);
		return buf;
	}
	if (p->service && p->slot == service_live(p->service) &&
	    p->worker.state == WORKER_RUNNING && !p->health.healthy &&
	    (p->health_text[0] || p->service->config->health == HEALTH_NOTIFY)) {
		(void)health_words(p, buf, size);
		buf[strcspn(buf, "\n")] = '\0';
		return buf;
	}
	return NULL;
}

/* What it says of itself. */
static const char *words_of(const struct process *p, char *buf, size_t size)
{
	const struct health *h = &p->health;

	if (!process_exists(p) || (!h->status[0] && !h->reloading && !h->stopping)) {
		return NULL;
	}
	(void)snprintf(buf, size, "%s%s%s",
		       h->stopping    ? "stopping"
		       : h->reloading ? "reloading"
				      : "",
		       (h->stopping || h->reloading) && h->status[0] ? ": " : "", h->status);
	return buf;
}

int process_publish(const struct process *p, uint64_t generation, struct helper *control)
{
	char note[HEALTH_WORDS_MAX], words[SD_STATUS_MAX + 16];
	struct message m;

	message_init(&m, MSG_STATE_WORKER, 0);
	message_put_u64(&m, TAG_WORKER, p->worker.id);
	message_put_text(&m, TAG_NAME, p->config->name);
	message_put_text(&m, TAG_GROUP, p->group->name);
	message_put_u64(&m, TAG_STATE, (uint64_t)worker_state_info(p->worker.state)->code);
	message_put_u64(&m, TAG_GENERATION, generation);
	put_place(&m, p);
	put_result(&m, p);
	if (p->service && p->config->address) {
		message_put_u64(&m, TAG_HEALTHY, p->health.healthy);
	}
	message_put_u64(&m, TAG_PENDING, p->pending);
	message_put_u64(&m, TAG_LOST_LINES, p->lost_lines);
	message_put_text(&m, TAG_NOTE, note_of(p, note, sizeof(note)));
	if (p->next_run) {
		message_put_u64(&m, TAG_DEADLINE, (usec_t)p->next_run * SECONDS(1));
	}
	message_put_text(&m, TAG_TEXT, words_of(p, words, sizeof(words)));
	return helper_send(control, &m);
}
