#include "worker/process_row.h"
#include "link/kept.h"
#include "worker/process.h"
#include "worker/stream.h"

#include <slotd/cleanup.h>

#include <stdio.h>

static struct ledger_run what_runs(const struct process *p)
{
	return (struct ledger_run){
		.pid = p->pid,
		.streams = {p->streams[0], p->streams[1]},
		.status = p->status,
		.start_ticks = p->pid ? p->start_ticks : 0,
		.since = p->since_wall,
		.started = p->started_wall,
		.stopped = p->stopped_wall,
		.lost_lines = p->lost_lines,
		.logs = {p->ledger_logs[0], p->ledger_logs[1]},
		.fault = p->fault,
		.waits = p->waits,
		.executed = p->executed,
		.clearing = p->clearing,
		.pending = p->pending,
		.removed = p->removed,
		.restart = p->restart,
		.shut_down = p->shut_down,
		.start_waits = p->start_waits,
		.restart_due = p->restart_due,
	};
}

void process_commit(struct process *p)
{
	const struct ledger_worker row = {
		.state = p->worker,
		.health = p->health,
		.policy = p->config->program->policy,
		.run = what_runs(p),
	};

	if (p->worker.id != UINT32_MAX) {
		ledger_put_worker(p->sup->ledger, p->worker.id, &row);
	}
}

int process_row_name_logs(struct process *p)
{
	int r = ledger_text_new(p->sup->ledger, p->log_paths[0], &p->ledger_logs[0]);

	return r < 0 ? r : ledger_text_new(p->sup->ledger, p->log_paths[1], &p->ledger_logs[1]);
}

unsigned process_kept_streams(const struct process *p, struct kept_fd *ret, unsigned max)
{
	unsigned n = 0;

	for (const struct stream *st = p->open_streams; st && n < max; st = st->next_of_process) {
		ret[n].fd = st->fd;
		(void)snprintf(ret[n++].tag, KEEP_TAG_MAX, KEEP_TAG_STREAM "%u", st->id);
	}
	return n;
}

static void keep(struct process *p, void (*put)(struct supervisor *sup, const char *name,
						const struct kept_fd *fds, unsigned n))
{
	char name[sizeof(KEEP_WORKER_PREFIX) + LEDGER_NAME_MAX];
	struct kept_fd fds[MESSAGE_FDS_MAX] = {{p->pidfd, KEEP_TAG_PIDFD},
					       {p->stdin_fd, KEEP_TAG_STDIN}};
	unsigned n = 2 + process_kept_streams(p, fds + 2, ARRAY_SIZE(fds) - 2);

	(void)snprintf(name, sizeof(name), KEEP_WORKER_PREFIX "%s", p->namespec);
	put(p->sup, name, fds, n);
}

void process_keep(struct process *p)
{
	keep(p, keep_put);
}

void process_keep_less(struct process *p)
{
	keep(p, keep_put_late);
}
