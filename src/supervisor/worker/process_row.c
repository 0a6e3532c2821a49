#include "worker/process_row.h"
#include "link/kept.h"
#include "worker/observers.h"
#include "worker/process.h"
#include "worker/stream.h"

#include <slotd/cleanup.h>
#include <slotd/clockwatch.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
		.exclusive = p->config->program->exclusive,
		.counted = p->counted,
	};
}

static void write_row(const struct process *p, const struct ledger_run *run)
{
	const struct ledger_worker row = {
		.state = p->worker,
		.health = p->health,
		.policy = p->config->program->policy,
		.run = *run,
		.roll = p->roll,
	};

	if (p->worker.id != UINT32_MAX) {
		ledger_put_worker(p->sup->ledger, p->worker.id, &row);
	}
}

void process_commit(struct process *p)
{
	const struct ledger_run run = what_runs(p);

	write_row(p, &run);
}

void process_move_times(struct process *p, int64_t by)
{
	p->since_wall = clock_move(p->since_wall, by);
	p->started_wall = clock_move(p->started_wall, by);
	p->stopped_wall = clock_move(p->stopped_wall, by);
	process_commit(p);
	process_changed(p);
}

void process_commit_waits(struct process *p, const struct ledger_run *former)
{
	struct ledger_run run = what_runs(p);

	run.waits = former->waits;
	run.start_waits = former->start_waits;
	run.restart_due = former->restart_due;
	write_row(p, &run);
}

void process_row_name_logs(struct process *p)
{
	int r = 0;

	for (int i = 0; r == 0 && i < 2; i++) {
		ledger_text_free(p->sup->ledger, p->ledger_logs[i]);
		p->ledger_logs[i] = 0;
		r = ledger_text_new(p->sup->ledger, p->log_paths[i], &p->ledger_logs[i]);
	}
	if (r < 0) {
		log_line(LOG_ERR, "%s: no room in the ledger for the paths of its logs",
			 p->namespec);
	}
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
					       {p->stdin_fd, KEEP_TAG_STDIN},
					       {p->request_fd, KEEP_TAG_REQUEST}};
	unsigned n = 3 + process_kept_streams(p, fds + 3, ARRAY_SIZE(fds) - 3);

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

/* ---- read back */

/* A log that was named for that run. */
static void restore_log(struct process *p, const struct ledger_view *ledger, ledger_text text,
			int channel)
{
	char path[PATH_MAX];

	if (p->config->logs[channel].kind == LOG_KIND_AUTO &&
	    ledger_get_text(ledger, text, path, sizeof(path)) > 0) {
		char *copy = strdup(path);

		if (copy) {
			free(p->log_paths[channel]);
			p->log_paths[channel] = copy;
		}
	}
}

static void restore_state(struct process *p, const struct ledger_worker *row)
{
	bool keep_trying = p->worker.keep_trying; /* its slot may be another by now */

	p->worker = row->state;
	p->worker.keep_trying = keep_trying;
	p->worker.no_start = false;
	p->health = row->health;
	p->roll = row->roll;
	p->since_wall = row->run.since;
	p->started_wall = row->run.started;
	p->stopped_wall = row->run.stopped;
	p->lost_lines = row->run.lost_lines;
	p->fault = row->run.fault;
	p->pending = row->run.pending;
	p->restart = row->run.restart;
	p->counted = row->run.counted;
	p->status = row->run.status;
}

void process_restore(struct process *p, const struct ledger_view *ledger,
		     const struct ledger_worker *row)
{
	restore_state(p, row);
	p->pid = row->run.pid;
	p->start_ticks = row->run.start_ticks;
	p->executed = row->run.executed;
	p->clearing = row->run.clearing;
	p->adopted = p->pid != 0;
	p->streams[0] = row->run.streams[0];
	p->streams[1] = row->run.streams[1];
	for (int i = 0; i < 2; i++) {
		restore_log(p, ledger, row->run.logs[i], i);
	}
	process_row_name_logs(p);
}
