#include "worker/adopt.h"
#include "link/former.h"
#include "link/inheritance.h"
#include "worker/fcgi.h"
#include "worker/leftovers.h"
#include "worker/process.h"
#include "worker/process_row.h"
#include "worker/processes.h"
#include "worker/sd_listener.h"
#include "worker/starts.h"
#include "worker/stdin.h"
#include "worker/streams_adopt.h"
#include "worker/waits.h"

#include <slotd/cleanup.h>
#include <slotd/keep.h>
#include <slotd/os.h>
#include <slotd/spawnrequest.h>

#include <stdio.h>
#include <string.h>

/* enum mood of a former slotd: what stopped then did so with it. */
static bool ended_itself(const struct supervisor *sup)
{
	return inherited_daemon(sup).mood != MOOD_RUNNING;
}

static struct inherited *item_of(const struct supervisor *sup, const char *namespec)
{
	char name[sizeof(KEEP_WORKER_PREFIX) + LEDGER_NAME_MAX];

	(void)snprintf(name, sizeof(name), KEEP_WORKER_PREFIX "%s", namespec);
	return inherited_item(sup, name);
}

/* ---- is it there, and is it the same? */

/* A pidfd of it: -ESRCH, it has ended and nothing tells how. */
static int take_pidfd(struct inherited *item, const struct ledger_run *run)
{
	auto_close int fd = inherited_take(item, KEEP_TAG_PIDFD);
	pid_t pid = fd < 0 ? -1 : process_handle_pid(fd);

	if (pid == 0 || (pid == run->pid && process_start_ticks(pid) == run->start_ticks)) {
		return TAKE_FD(fd); /* 0: it has ended, which the loop hears */
	}
	return process_handle_open(run->pid, run->start_ticks);
}

/* -errno: it may live, and cannot be watched. */
static int take_process(struct process *p, struct inherited *item, const struct ledger_run *run)
{
	int fd = take_pidfd(item, run);

	if (fd >= 0) {
		p->pidfd = fd;
		process_watch(p);
		return 0;
	}
	p->clearing = true;
	p->status = WORKER_STATUS_UNKNOWN;
	return fd == -ESRCH ? 0 : fd;
}

/* Asked of slotd-spawn, and slotd did not live to hear the answer. */
static int take_child(struct process *p, struct inherited *item)
{
	auto_close int request = inherited_take(item, KEEP_TAG_REQUEST);
	uint64_t ticks = 0;
	pid_t pid = request < 0 ? 0 : spawn_request_child(request, &ticks);
	int fd = pid ? process_handle_open(pid, ticks) : -ESRCH;

	if (fd < 0) {
		return fd == -ESRCH ? 0 : fd; /* it was not made, or has ended: it is made anew */
	}
	p->pid = pid;
	p->pidfd = fd;
	p->start_ticks = ticks;
	p->adopted = true;
	p->executed = false;
	p->started_wall = usec_wall();
	process_watch(p);
	return 0;
}

static bool awaits_child(const struct ledger_worker *row)
{
	return !row->run.pid &&
	       (row->state.state == WORKER_STARTING || row->state.state == WORKER_STOPPING);
}

/* One that was never started may still be about to: its start waits for its turn, or for an end. */
static bool tells_something(const struct ledger_run *run)
{
	return run->since || run->start_waits || run->waits != WAITS_FOR_NOTHING;
}

static int adopt(struct process *p, const struct ledger_worker *row)
{
	struct inherited *item = item_of(p->sup, p->namespec);
	uint32_t id = p->worker.id;
	int r = 0;

	process_restore(p, inherited_ledger(p->sup), row);
	p->worker.id = id;
	p->stdin_fd = inherited_take(item, KEEP_TAG_STDIN);
	if (awaits_child(row)) {
		r = take_child(p, item);
	} else if (p->pid && !p->clearing) {
		r = take_process(p, item, &row->run);
	}
	if (!p->pid || p->clearing) {
		stdin_close(p);
	}
	p->known = p->pid || p->removed || (tells_something(&row->run) && !ended_itself(p->sup));
	if (ended_itself(p->sup) && p->worker.state == WORKER_STOPPING) {
		p->restart = p->config->program->autostart;
	}
	return r;
}

/* ---- all of them */

static int read_row(struct supervisor *sup, unsigned index, struct ledger_worker *ret,
		    struct diag *diag)
{
	int r = ledger_get_worker(inherited_ledger(sup), index, ret);

	return r >= 0 ? r
		      : diag_set(diag, r,
				 "a former slotd was killed, and its ledger is damaged where it "
				 "tells of %s: end its workers and its slotd-keep, then start "
				 "slotd again",
				 ledger_name(inherited_ledger(sup), LEDGER_TABLE_WORKER, index));
}

static struct process *process_at(const struct supervisor *sup, unsigned index)
{
	return index < sup->processes.len ? sup->processes.at[index] : NULL;
}

/* Does it live, of one that nobody has configured? */
static bool lives(struct supervisor *sup, const char *namespec, const struct ledger_worker *row)
{
	struct inherited *item = item_of(sup, namespec);
	auto_close int fd = -EBADF;

	if (awaits_child(row)) {
		return item && keep_tags_find(item->tags, KEEP_TAG_REQUEST) >= 0;
	}
	fd = row->run.pid ? process_handle_open(row->run.pid, row->run.start_ticks) : -ESRCH;
	return fd >= 0;
}

static int adopt_row(struct supervisor *sup, unsigned index, struct diag *diag)
{
	const char *namespec = ledger_name(inherited_ledger(sup), LEDGER_TABLE_WORKER, index);
	struct process *p = process_at(sup, index);
	struct ledger_worker row;
	int r = read_row(sup, index, &row, diag);

	if (r != 1 || !*namespec) {
		return r < 0 ? r : 0;
	}
	if (!p && lives(sup, namespec, &row)) {
		r = leftover_new(sup, namespec, &row, diag, &p);
		if (r < 0) {
			return r;
		}
	}
	if (p && strcmp(p->namespec, namespec) == 0) {
		r = adopt(p, &row);
	}
	return r < 0 ? diag_set_errno(diag, r, "cannot take over %s", namespec) : 0;
}

/* As the former slotd wrote of it; zeroes: it did not know it. */
static struct ledger_worker former_row(const struct process *p)
{
	struct ledger_worker row = {0};
	int index = inherited_row(p->sup, LEDGER_TABLE_WORKER, p->namespec);

	if (index < 0 || ledger_get_worker(inherited_ledger(p->sup), (unsigned)index, &row) != 1) {
		row = (struct ledger_worker){0};
	}
	return row;
}

/* What they have of their own, now that their pipes are known, too. */
static void settle(struct supervisor *sup)
{
	sd_listener_adopt(sup);
	vec_for_each (p, &sup->processes) {
		if (*p) {
			const struct ledger_worker row = former_row(*p);

			process_commit_waits(*p, &row.run);
			process_keep(*p);
			fcgi_adopt(*p);
		}
	}
}

int workers_adopt(struct supervisor *sup, struct diag *diag)
{
	const struct ledger_view *ledger = inherited_ledger(sup);
	int r = 0;

	if (!ledger) {
		return 0;
	}
	/* From now on it makes nothing any more that it was asked for. */
	former_end(sup, KEEP_HELPER_PREFIX "slotd-spawn");
	for (unsigned i = 0; r == 0 && i < ledger_rows(ledger, LEDGER_TABLE_WORKER); i++) {
		r = adopt_row(sup, i, diag);
	}
	if (r == 0) {
		r = streams_adopt(sup);
		r = r < 0 ? diag_set_errno(diag, r, "cannot take over the output of workers") : 0;
	}
	if (r == 0) {
		settle(sup);
	}
	return r;
}

/* ---- going on */

static void resume_start(struct process *p, const struct ledger_run *run)
{
	if (run->waits != WAITS_FOR_NOTHING) {
		process_start_after(p, (enum process_wait)run->waits);
	} else if (run->start_waits && run->restart_due) {
		process_restart_soon(p);
	} else if (run->start_waits) {
		process_start_soon(p);
	}
}

/* The pipe by which it speaks to slotd has gone with the former one. */
static void renew_listener(struct process *p)
{
	log_line(LOG_INFO, "%s: an event listener does not outlive its slotd: restarting it",
		 p->namespec);
	p->restart = p->worker.state != WORKER_STOPPING;
	process_stop(p);
}

/* Or it has ended, which the loop is about to hear. */
static bool runs(const struct process *p)
{
	return p->pid && !p->clearing && process_handle_pid(p->pidfd) == p->pid;
}

static void resume(struct process *p)
{
	const struct ledger_worker row = former_row(p);

	if (runs(p)) {
		log_line(LOG_INFO, "adopted: '%s' with pid %d", p->config->name, (int)p->pid);
	}
	if (p->removed) {
		log_line(LOG_INFO, "%s is not in the configuration any more: stopping it",
			 p->namespec);
		process_stop(p);
	}
	process_resume(p);
	if (p->removed) {
		return;
	}
	resume_start(p, &row.run);
	if (p->config->program->kind == PROGRAM_EVENTLISTENER && process_exists(p)) {
		renew_listener(p);
	}
}

void workers_resume(struct supervisor *sup)
{
	unsigned n = 0;

	if (!inheritance_there(sup)) {
		return;
	}
	vec_for_each (p, &sup->processes) {
		n += *p && runs(*p);
	}
	log_line(LOG_NOTICE, "took over %u worker%s from %s (pid %d)", n, n == 1 ? "" : "s",
		 sup->options.upgrades ? "the slotd before" : "a slotd that was killed",
		 (int)inherited_daemon(sup).pid);
	for (size_t i = 0; i < sup->processes.len; i++) {
		struct process *p = sup->processes.at[i];

		if (p && p->known) {
			resume(p);
		}
	}
}
